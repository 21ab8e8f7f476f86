//! `cargo xtask codegen [--check] [NAME]`: committed files, or parts of them, that follow from something else.
//!
//! A generator is a pure function to a `String`, given what it describes; [`programs`] asks those that only a built
//! program can tell. `--check` never writes.

mod cli_page;
mod config_schema;
mod layer_table;
mod place;
mod programs;

use anyhow::{Context as _, Result};
use xshell::Shell;

use crate::ci;
use crate::commands::{Usage, nearest};
use crate::layers::LAYERS;
use crate::problem::{Problem, report};
use crate::splice::splice;
use place::Place;
use programs::Programs;

struct Generator {
    name: &'static str,
    path: &'static str,
    place: Place,
    generate: fn(&Shell) -> Result<String>,
}

const GENERATORS: &[Generator] = &[
    Generator {
        name: "layers",
        path: "docs/architecture.md",
        place: Place::BetweenMarkers,
        generate: |_| Ok(layer_table::table(LAYERS)),
    },
    Generator {
        name: "steps",
        path: "docs/testing.md",
        place: Place::BetweenMarkers,
        generate: |_| Ok(ci::table()),
    },
    Generator {
        name: "cli",
        path: "docs/cli.md",
        place: Place::WholeFile,
        generate: |sh| {
            let programs = Programs::build(sh)?;
            cli_page::page(&mut |command| programs.help(sh, command))
        },
    },
    Generator {
        name: "config-schema",
        path: "docs/config.schema.json",
        place: Place::WholeFile,
        generate: |sh| config_schema::file(&Programs::build(sh)?.config_schema(sh)?),
    },
];

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let (flags, names): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .partition(|argument| argument.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| flag.as_str() != "--check") {
        return Err(Usage(format!("no flag `{flag}`; `codegen` takes `--check`")).into());
    }
    let generators = match names.as_slice() {
        [] => GENERATORS.iter().collect(),
        [name] => vec![find(name)?],
        _ => return Err(Usage("`codegen` takes one NAME, or none for all".to_owned()).into()),
    };
    if flags.is_empty() {
        write(sh, &generators)
    } else {
        compare(sh, &generators)
    }
}

fn find(name: &str) -> Result<&'static Generator, Usage> {
    GENERATORS
        .iter()
        .find(|generator| generator.name == name)
        .ok_or_else(|| {
            let nearest = nearest(name, GENERATORS.iter().map(|generator| generator.name))
                .unwrap_or_default();
            Usage(format!("no generator `{name}`; the nearest is `{nearest}`"))
        })
}

fn write(sh: &Shell, generators: &[&Generator]) -> Result<()> {
    for generator in generators {
        let old = generator.read(sh)?;
        let new = generator.applied(&old, &(generator.generate)(sh)?)?;
        if new == old {
            println!("{}: up to date", generator.path);
        } else {
            sh.write_file(generator.path, new)?;
            println!("{}: written", generator.path);
        }
    }
    Ok(())
}

fn compare(sh: &Shell, generators: &[&Generator]) -> Result<()> {
    let mut problems = Vec::new();
    for generator in generators {
        match generator.drift(sh) {
            Ok(found) => problems.extend(found),
            Err(error) => problems.push(Problem::new(
                generator.path,
                1,
                format!("{error:#}"),
                "mend that first",
            )),
        }
    }
    report(problems)
}

impl Generator {
    /// The file's text; empty for a file that is only about to be generated.
    fn read(&self, sh: &Shell) -> Result<String> {
        if self.place == Place::WholeFile && !sh.path_exists(self.path) {
            return Ok(String::new());
        }
        sh.read_file(self.path)
            .with_context(|| format!("`{}` cannot be read", self.path))
    }

    fn drift(&self, sh: &Shell) -> Result<Option<Problem>> {
        self.stale(&self.read(sh)?, &(self.generate)(sh)?)
    }

    /// The file's text with the generated part renewed.
    fn applied(&self, text: &str, body: &str) -> Result<String> {
        match self.place {
            Place::WholeFile => Ok(body.to_owned()),
            Place::BetweenMarkers => splice(text, &format!("codegen {}", self.name), body)
                .with_context(|| format!("`{}` cannot be generated into", self.path)),
        }
    }

    /// The problem that the file is stale, if it is.
    fn stale(&self, text: &str, body: &str) -> Result<Option<Problem>> {
        let fresh = self.applied(text, body)?;
        let line = text
            .lines()
            .zip(fresh.lines())
            .position(|(old, new)| old != new)
            .map_or(1, |index| index + 1);
        let what = match self.place {
            Place::WholeFile => "the file is generated, and stale",
            Place::BetweenMarkers => "the generated part is stale",
        };
        let mend = format!("run `cargo xtask codegen {}`", self.name);
        Ok((fresh != text).then(|| Problem::new(self.path, line, what, mend)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Generator = Generator {
        name: "x",
        path: "docs/x.md",
        place: Place::BetweenMarkers,
        generate: |_| Ok("new\n".to_owned()),
    };

    const WHOLE: Generator = Generator {
        place: Place::WholeFile,
        ..PART
    };

    fn page(body: &str) -> String {
        let mark = |end| format!("<!-- Generated by `cargo xtask codegen x`: {end} -->\n");
        format!("# Page\n\n{}{body}{}\nrest\n", mark("begin"), mark("end"))
    }

    #[test]
    fn a_stale_part_is_a_problem_that_names_the_command() {
        let problem = PART.stale(&page("old\n"), "new\n").unwrap().unwrap();
        assert_eq!(
            problem.to_string(),
            "docs/x.md:4: the generated part is stale; run `cargo xtask codegen x`"
        );
        assert_eq!(
            PART.applied(&page("old\n"), "new\n").unwrap(),
            page("new\n")
        );
        assert_eq!(PART.stale(&page("new\n"), "new\n").unwrap(), None);
    }

    #[test]
    fn a_page_without_markers_is_an_error_that_names_it() {
        let error = format!("{:#}", PART.stale("# Page\n", "new\n").unwrap_err());
        assert!(
            error.starts_with("`docs/x.md` cannot be generated into: it has no line `<!--"),
            "{error}"
        );
    }

    #[test]
    fn a_stale_whole_file_is_a_problem_and_so_is_a_missing_one() {
        for (text, line) in [("a\nold\n", 2), ("", 1)] {
            let problem = WHOLE.stale(text, "a\nnew\n").unwrap().unwrap();
            assert_eq!(
                problem.to_string(),
                format!(
                    "docs/x.md:{line}: the file is generated, and stale; run `cargo xtask codegen x`"
                )
            );
        }
        assert_eq!(WHOLE.stale("new\n", "new\n").unwrap(), None);
    }

    #[test]
    fn an_unknown_generator_is_answered_with_the_nearest() {
        assert_eq!(
            find("layer").err().unwrap().to_string(),
            "no generator `layer`; the nearest is `layers`"
        );
    }

    /// Of those that need no built program; the step `codegen` compares the others.
    #[test]
    fn the_committed_parts_are_fresh() {
        let sh = crate::shell().unwrap();
        for generator in GENERATORS
            .iter()
            .filter(|generator| generator.place == Place::BetweenMarkers)
        {
            assert_eq!(generator.drift(&sh).unwrap(), None);
        }
    }

    #[test]
    fn each_committed_whole_file_names_its_generator() {
        let sh = crate::shell().unwrap();
        for generator in GENERATORS
            .iter()
            .filter(|generator| generator.place == Place::WholeFile)
        {
            let text = generator.read(&sh).unwrap();
            let mark = format!("Generated by `cargo xtask codegen {}`", generator.name);
            let head: Vec<&str> = text.lines().take(3).collect();
            assert!(head.join("\n").contains(&mark), "{}", generator.path);
        }
    }
}
