//! Schemas of real servers, as they sent them, without titles and descriptions: each compiles, fits what it should, and says
//! what is missing.

use manyhands_core::Arguments;
use serde_json::{Value, json};

use crate::{Catalogue, Verdict, ViolationKind};

/// Twenty-five tools chosen for the keywords they use, out of 1,167 tools of 44 published servers.
const SCHEMAS: &str = include_str!("../../../tests/data/real-schemas.json");

fn catalogue() -> Catalogue {
    let mut tools: Vec<Value> = serde_json::from_str(SCHEMAS).unwrap();
    for (index, tool) in tools.iter_mut().enumerate() {
        tool["name"] = json!(format!("{index}-{}", tool["name"].as_str().unwrap()));
    }
    super::catalogue(&tools)
}

#[test]
fn every_real_schema_can_be_used() {
    let catalogue = catalogue();
    assert_eq!(catalogue.tools().count(), 25);
    for tool in catalogue.tools() {
        assert_eq!(tool.schema_problem(), None, "{}", tool.name());
        assert_eq!(tool.schema_notices(), [], "{}", tool.name());
    }
}

#[test]
fn what_real_schemas_require_is_asked_for() {
    let mut asked = 0;
    for tool in catalogue().tools() {
        let required = tool.definition().input_schema.get("required");
        let required = required.and_then(Value::as_array).map_or(0, Vec::len);
        let told = match tool.check_arguments(&Arguments::default()) {
            Ok(verdict) => {
                assert_eq!(verdict, Verdict::Fits, "{}", tool.name());
                0
            }
            Err(mismatch) => {
                let missing = mismatch.violations().iter();
                missing
                    .filter(|it| it.kind() == ViolationKind::Missing)
                    .count()
            }
        };
        assert_eq!(told, required, "{}", tool.name());
        asked += told;
    }
    assert!(asked > 20, "{asked}");
}

#[test]
fn a_real_mistake_is_told_in_one_line() {
    let catalogue = catalogue();
    let find = |name: &str| {
        let mut tools = catalogue.tools();
        tools
            .find(|tool| tool.name().name().ends_with(name))
            .unwrap()
    };
    let told = |name: &str, arguments: Value| {
        let result = find(name).check_arguments(&arguments.clone().try_into().unwrap());
        result.map_or_else(
            |mismatch| mismatch.to_string(),
            |verdict| format!("{verdict:?}"),
        )
    };
    assert_eq!(
        told("-fetch", json!({"url": 5, "max_length": "many"})),
        "expected arguments.url to be a text, found 5; \
         expected arguments.max_length to be an integer, found \"many\""
    );
    assert_eq!(
        told(
            "-sequentialthinking",
            json!({"thought": "x", "nextThoughtNeeded": true, "thoughtNumber": 0, "totalThoughts": 1})
        ),
        "expected arguments.thoughtNumber to be at least 1, found 0"
    );
}
