//! From a program's text to a filter that can be run, and what is wrong where there is none. It must not know prices.

use jaq_core::load::parse::{Def, Term};
use jaq_core::load::{Arena, File, Lexer, Loader, Parser};
use jaq_core::{Compiler, Filter};

use crate::meter::{Metered, filters};
use crate::metered;

/// The name under which the program stands among the definitions.
const MAIN: &str = "mapped";

pub(crate) fn filter<'s>(text: &'s str) -> Result<Filter<Metered>, String> {
    let main = Def {
        name: MAIN,
        args: Vec::new(),
        body: read(text)?,
    };
    let known = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let known: Vec<Def> = known.filter(|it| !is_left_out(it)).collect();
    let mut definitions: Vec<Def<&'s str>> = known;
    definitions.push(main);
    let loader = Loader::new(definitions.into_iter().map(metered::definition));
    let arena = Arena::default();
    let file = File {
        code: MAIN,
        path: (),
    };
    let modules = loader
        .load(&arena, file)
        .map_err(|_| "it cannot be read".to_owned())?;
    let standard = jaq_std::base_funs().filter(|(name, ..)| *name != "halt");
    let natives = jaq_core::funs().chain(standard);
    let natives = natives.chain(jaq_json::funs()).chain(filters());
    let compiled = Compiler::default().with_funs(natives).compile(modules);
    compiled.map_err(|files| {
        let all = files.into_iter().flat_map(|(_, unknown)| unknown);
        let told = all.map(|(name, what)| format!("there is no {} {name}", what.as_str()));
        told.collect::<Vec<_>>().join(", ")
    })
}

fn read(text: &str) -> Result<Term<&str>, String> {
    let tokens = Lexer::new(text).lex().map_err(|faults| {
        let fault = faults.first();
        fault.map_or_else(String::new, |(expected, found)| {
            wrong(text, expected.as_str(), found)
        })
    })?;
    Parser::new(&tokens).parse(Parser::term).map_err(|faults| {
        let fault = faults.first();
        fault.map_or_else(String::new, |(expected, found)| {
            let found = found.map_or("", |token| token.as_str());
            wrong(text, expected.as_str(), found)
        })
    })
}

/// What was expected, and what stands there; nothing at the end.
fn wrong(text: &str, expected: &str, found: &str) -> String {
    if found.is_empty() {
        return format!("expected {expected} at its end");
    }
    // What was found is a part of the text, by where it lies.
    let at = (found.as_ptr() as usize).checked_sub(text.as_ptr() as usize);
    let before = at.and_then(|at| text.get(..at)).unwrap_or_default();
    let place = before.chars().count() + 1;
    let found: String = found.chars().take(20).collect();
    format!("expected {expected} at character {place}, found {found:?}")
}

/// Definitions of what is not there: dates, regular expressions, mathematics, formats, the log, an end of the program.
fn is_left_out(definition: &Def<&str>) -> bool {
    const LEFT_OUT: &[&str] = &[
        "stderr",
        "debug",
        "halt",
        "halt_error",
        "logb",
        "significand",
        "pow10",
        "drem",
        "nexttoward",
        "scalb",
        "gamma",
        "test",
        "scan_",
        "scan",
        "match",
        "capture",
        "splits",
        "sub",
        "gsub",
        "todate",
        "fromdate",
        "dateadd",
        "datesub",
        "date",
        "fromdateiso8601",
        "todateiso8601",
        "ascii",
        "@sh",
        "@html",
        "@htmld",
        "@uri",
        "@urid",
        "@base64",
        "@base64d",
        "capture_of_match",
    ];
    let splits_by_expression = definition.name == "split" && definition.args.len() == 2;
    splits_by_expression || LEFT_OUT.contains(&definition.name)
}
