//! Which scenarios a revision asks of a client, as the suite's own list has it. It must not know how they are run.

use anyhow::{Result, bail};

/// One scenario of one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    pub(super) revision: &'static str,
    pub(super) name: String,
    /// Why the suite runs it without counting it, where it does.
    pub(super) not_scored: Option<String>,
}

#[cfg(test)]
impl Scenario {
    pub(super) fn fixture(revision: &'static str, name: &str) -> Self {
        Self {
            revision,
            name: name.to_owned(),
            not_scored: None,
        }
    }
}

/// Reads the client's part of the suite's YAML, line by line; that reads less than all of YAML, and all that the suite
/// writes here: names under `client:`, and entries of `scenario`, `leg` and `reason` under `not_scored:`.
///
/// # Errors
/// Where there is no such part, since a run of no scenario would pass.
pub(super) fn read(revision: &'static str, text: &str) -> Result<Vec<Scenario>> {
    let scenario = |name: &str, reason: Option<&str>| Scenario {
        revision,
        name: name.to_owned(),
        not_scored: reason.map(str::to_owned),
    };
    let (mut section, mut entry, mut is_client) = ("", "", false);
    let mut scenarios = Vec::new();
    let says_nothing = |line: &&str| line.starts_with('#') || line.trim().is_empty();
    for line in text.lines().filter(|line| !says_nothing(line)) {
        let words = line.trim();
        match section {
            _ if !line.starts_with(' ') => section = words,
            "client:" => {
                scenarios.extend(words.strip_prefix("- ").map(|name| scenario(name, None)));
            }
            "not_scored:" => {
                if let Some(name) = words.strip_prefix("- scenario: ") {
                    (entry, is_client) = (name, false);
                } else if let Some(leg) = words.strip_prefix("leg: ") {
                    is_client = leg == "client";
                } else if let Some(reason) = words.strip_prefix("reason: ")
                    && is_client
                {
                    scenarios.push(scenario(entry, Some(reason)));
                }
            }
            _ => {}
        }
    }
    if scenarios
        .iter()
        .all(|scenario| scenario.not_scored.is_some())
    {
        bail!("the suite names no client scenario of {revision}; did its list change its form?");
    }
    Ok(scenarios)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
# Conformance requirements
server:
  - server-initialize

client:
  - initialize
  - auth/basic-cimd

not_scored:
  - scenario: auth/dpop
    leg: client
    reason: extension

  - scenario: json-schema-2020-12
    leg: server
    reason: pending
    note: >-
      the reference fixture cannot pass it yet
  - scenario: json-schema-2020-12-preservation
    leg: client
    reason: added-after-release
";

    #[test]
    fn the_clients_scenarios_are_read_and_those_of_servers_are_not() {
        let scenarios = read("2025-11-25", LIST).unwrap();
        let told: Vec<_> = scenarios
            .iter()
            .map(|it| (it.name.as_str(), it.not_scored.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("initialize", None),
                ("auth/basic-cimd", None),
                ("auth/dpop", Some("extension")),
                (
                    "json-schema-2020-12-preservation",
                    Some("added-after-release")
                ),
            ]
        );
    }

    #[test]
    fn a_list_without_client_scenarios_is_an_error() {
        let error = read("2025-11-25", &LIST.replace("client:\n", "clients:\n")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the suite names no client scenario of 2025-11-25; did its list change its form?"
        );
    }
}
