//! What the suite tells a client: where the server is, and what is wanted of it.

use anyhow::{Context as _, Result};
use serde_json::Value;

/// One start of this program by the suite.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) url: String,
    pub(crate) scenario: String,
    /// What only this scenario tells, such as the calls to make; null where it tells nothing.
    pub(crate) context: Value,
}

impl Run {
    pub(crate) fn from_environment() -> Result<Self> {
        let url = std::env::args().next_back().filter(|url| is_url(url));
        Self::read(url, |name| std::env::var(name).ok())
    }

    fn read(url: Option<String>, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let context = variable("MCP_CONFORMANCE_CONTEXT");
        Ok(Self {
            url: url.context("the last argument is no URL; the suite appends its server's")?,
            scenario: variable("MCP_CONFORMANCE_SCENARIO")
                .context("no scenario is named; `cargo xtask conformance client` runs the suite")?,
            context: context
                .map_or(Ok(Value::Null), |text| serde_json::from_str(&text))
                .context("the scenario's context is not JSON")?,
        })
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: Option<&str>, variables: &[(&str, &str)]) -> Result<Run> {
        Run::read(url.map(str::to_owned), |name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn the_context_is_read_where_there_is_one() {
        let scenario = ("MCP_CONFORMANCE_SCENARIO", "http-custom-headers");
        let context = ("MCP_CONFORMANCE_CONTEXT", r#"{"toolCalls": []}"#);
        let url = Some("http://localhost:1/mcp");
        assert!(read(url, &[scenario]).unwrap().context.is_null());
        assert!(
            read(url, &[scenario, context])
                .unwrap()
                .context
                .get("toolCalls")
                .is_some()
        );
    }

    #[test]
    fn what_is_missing_or_broken_is_told() {
        let error = |url, variables: &[_]| read(url, variables).unwrap_err().to_string();
        assert!(error(None, &[]).starts_with("the last argument is no URL"));
        assert!(error(Some("http://localhost:1"), &[]).starts_with("no scenario is named"));
        let broken = [
            ("MCP_CONFORMANCE_SCENARIO", "initialize"),
            ("MCP_CONFORMANCE_CONTEXT", "{"),
        ];
        assert_eq!(
            error(Some("http://localhost:1"), &broken),
            "the scenario's context is not JSON"
        );
    }
}
