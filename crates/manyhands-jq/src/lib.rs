//! jq programs over JSON, bounded in time, memory and depth. They see the value that they are given and nothing else: no
//! files, no environment, no clock, no further inputs.
//!
//! A program is run by [jaq](https://github.com/01mf02/jaq), with all of the language. Of the standard library, dates,
//! regular expressions, mathematics beyond rounding, and `@` formats other than `@text` and `@json` are left out.
//! This crate does not know what a program is for.
//!
//! ```
//! use manyhands_jq::Program;
//! use serde_json::json;
//!
//! let program = Program::parse("{cql: \"text ~ \\(.query)\", limit: (.limit // 10)}")?;
//! assert_eq!(program.run(&json!({"query": "fire"}))?, json!({"cql": "text ~ fire", "limit": 10}));
//!
//! let endless = Program::parse("until(false; .)")?;
//! assert!(endless.run(&json!({})).is_err());
//! assert!(Program::parse("{cql: .query").is_err());
//! # Ok::<(), manyhands_jq::JqError>(())
//! ```

mod meter;
mod metered;
mod parse;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::thread;

use jaq_core::{Ctx, Error, Exn, Vars};
use jaq_json::Val;
use jaq_json::read::parse_single;
use manyhands_core::{Printable, clip};
use serde_json::Value;

use self::meter::{EXHAUSTED, Meter, Metered};

/// What all that a program does may cost. One is a step, or a value that a step hands on.
const BUDGET: u64 = 500_000;
/// The longest program, in bytes: what is nested in it is parsed by recursion.
const MAX_PROGRAM: usize = 8 * 1024;
/// The largest input, as JSON in bytes.
const MAX_INPUT: usize = 1024 * 1024;
/// The stack of a run, most of which is never touched: four times of what definitions may take that call each other, since a
/// program's nesting and a value's take some too.
const STACK: usize = 128 * 1024 * 1024;
/// How much is told of what is wrong, in bytes.
const MAX_TEXT: usize = 150;

/// A jq program that was read and can be run. Cheap to clone.
#[derive(Clone)]
pub struct Program(Arc<jaq_core::Filter<Metered>>);

impl Program {
    /// Reads a program. It is bounded as its runs are, and takes milliseconds.
    ///
    /// # Errors
    /// [`JqError`] that says where the program is wrong.
    pub fn parse(text: &str) -> Result<Self, JqError> {
        if text.len() > MAX_PROGRAM {
            let cause = format!("it is longer than {MAX_PROGRAM} bytes");
            return Err(JqError::reading(&cause));
        }
        let filter =
            on_a_large_stack(|| parse::filter(text)).map_err(|it| JqError::reading(&it))?;
        Ok(Self(Arc::new(filter)))
    }

    /// Runs it on `input`, and gives its one result. It blocks for tens of milliseconds at the most.
    ///
    /// # Errors
    /// [`JqError`] when it fails, costs too much, or has no result or several.
    pub fn run(&self, input: &Value) -> Result<Value, JqError> {
        on_a_large_stack(|| self.result_of(input)).map_err(|it| JqError::running(&it))
    }

    fn result_of(&self, input: &Value) -> Result<Value, String> {
        let text = input.to_string();
        if text.len() > MAX_INPUT {
            return Err(format!("its input is larger than {MAX_INPUT} bytes"));
        }
        let input = parse_single(text.as_bytes()).map_err(|it| it.to_string())?;
        let left = Cell::new(BUDGET);
        let meter = Meter::new(&self.0.lut, &left);
        let context = Ctx::<Metered>::new(meter, Vars::new([]));
        let mut results = self.0.id.run((context, input));
        let told = |exception: Exn<'_, Val>| match exception.get_err().map(Error::into_val) {
            _ if left.get() == 0 => EXHAUSTED.to_owned(),
            Ok(Val::TStr(text)) => String::from_utf8_lossy(&text).into_owned(),
            Ok(other) => other.to_string(),
            Err(_) => "it stopped without a result".to_owned(),
        };
        let first = results.next();
        let result = first.ok_or("it has no result")?.map_err(told)?;
        match results.next() {
            None => {}
            Some(Err(exception)) => return Err(told(exception)),
            Some(Ok(_)) => return Err("it has several results; put them into a list".to_owned()),
        }
        let text = result.to_string();
        serde_json::from_str(&text).map_err(|_| "its result is no JSON".to_owned())
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

/// Parsing and running recurse, as deep as a program wants within its bounds.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK);
        let running = thread.spawn_scoped(scope, work);
        let running = running.map_err(|error| format!("it got no thread ({error})"))?;
        let result = running.join();
        result.unwrap_or_else(|_| Err("it cannot be understood".to_owned()))
    })
}

/// A program that cannot be read, or whose run failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing} the jq program: {cause}")]
pub struct JqError {
    doing: &'static str,
    cause: String,
}

impl JqError {
    fn reading(cause: &str) -> Self {
        Self::new("read", cause)
    }

    fn running(cause: &str) -> Self {
        Self::new("run", cause)
    }

    fn new(doing: &'static str, cause: &str) -> Self {
        let cause = Printable(&clip(cause, MAX_TEXT)).to_string();
        Self { doing, cause }
    }

    /// What is wrong, as a lowercase fragment.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

#[cfg(test)]
mod tests;
