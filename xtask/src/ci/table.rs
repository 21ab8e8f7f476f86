//! The tiers and their steps as a table for the documentation. It must not know how a step runs.

use super::steps::{STEPS, Step, Tier};
use crate::commands::{COMMANDS, Command};

/// All steps as a markdown table, in the order in which they run.
pub(crate) fn table() -> String {
    steps_as_table(STEPS, COMMANDS)
}

fn steps_as_table(steps: &[Step], commands: &[Command]) -> String {
    let mut table = String::from("| tier | step | budget | what |\n| --- | --- | --- | --- |\n");
    for tier in Tier::ALL {
        for step in steps.iter().filter(|step| step.tier == tier) {
            let command = commands.iter().find(|command| command.name == step.name);
            let about = command.map_or("no such command yet", |command| command.about);
            let seconds = step.budget.as_secs();
            table += &format!(
                "| {} | `{}` | {seconds} | {about} |\n",
                tier.name(),
                step.name
            );
        }
        let seconds = tier.budget().as_secs();
        table += &format!("| **{}** | all up to here | {seconds} | |\n", tier.name());
    }
    table
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::steps::Skips;
    use super::*;

    fn step(name: &'static str, tier: Tier) -> Step {
        Step {
            name,
            arguments: &[],
            tier,
            budget: Duration::from_secs(60),
            skips: Skips::Never,
        }
    }

    #[test]
    fn each_step_has_a_row_under_its_tier() {
        let steps = [step("fmt", Tier::Fast), step("nothing", Tier::Nightly)];
        assert_eq!(
            steps_as_table(&steps, COMMANDS),
            "| tier | step | budget | what |\n| --- | --- | --- | --- |\n\
             | fast | `fmt` | 60 | the sources are formatted as rustfmt formats them |\n\
             | **fast** | all up to here | 2100 | |\n\
             | **full** | all up to here | 3600 | |\n\
             | nightly | `nothing` | 60 | no such command yet |\n\
             | **nightly** | all up to here | 14400 | |\n"
        );
    }

    #[test]
    fn no_description_would_split_a_cell() {
        assert!(COMMANDS.iter().all(|command| !command.about.contains('|')));
    }
}
