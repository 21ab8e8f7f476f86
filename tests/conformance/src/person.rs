//! The person in front of the agent, who agrees to whatever a server asks and keeps what it suggests, and logs in
//! wherever a browser is sent.

use anyhow::{Context as _, Result};
use manyhands::{InputHandler, InputKind, InputRequest, InputResponse};
use reqwest::header::LOCATION;
use serde_json::{Map, Value, json};

use crate::arguments::value;

/// Says yes.
pub(crate) struct Person;

impl InputHandler for Person {
    fn kinds(&self) -> Vec<InputKind> {
        vec![InputKind::Form, InputKind::Login]
    }

    async fn answer(&self, request: InputRequest) -> InputResponse {
        if request.kind() == InputKind::Login {
            let logged_in = log_in(request.params()).await;
            return logged_in.unwrap_or_else(|error| {
                eprintln!("nobody could log in: {error:#}");
                InputResponse::decline()
            });
        }
        let form = request.params().get("requestedSchema");
        InputResponse::accept(form.map(filled_in).unwrap_or_default())
    }
}

/// Visits the page as a browser does. The suite's pages know everybody, and send them straight back.
async fn log_in(params: &Value) -> Result<InputResponse> {
    let page = params.get("url").and_then(Value::as_str);
    let page = page.context("the question has no page")?;
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let answer = browser.get(page).send().await?;
    let location = answer.headers().get(LOCATION);
    let location = location.context("the page sends nobody back")?.to_str()?;
    if params.get("redirectAwaited") == Some(&json!(true)) {
        browser.get(location).send().await?;
        return Ok(InputResponse::accept(Map::new()));
    }
    let redirected = ("redirected".to_owned(), json!(location));
    Ok(InputResponse::accept(Map::from_iter([redirected])))
}

/// What a form comes back with: every default that its schema has, and a value wherever one is required.
fn filled_in(requested: &Value) -> Map<String, Value> {
    let required = requested.get("required").and_then(Value::as_array);
    let is_required = |name: &str| {
        let mut names = required.into_iter().flatten();
        names.any(|required| required == name)
    };
    let properties = requested.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter(|(name, property)| property.get("default").is_some() || is_required(name))
        .map(|(name, property)| (name.clone(), value(property)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_in_with_its_defaults_and_what_it_requires() {
        let requested = json!({"type": "object", "required": ["confirmed"], "properties": {
            "name": {"type": "string", "default": "John Doe"}, "age": {"type": "integer"},
            "confirmed": {"type": "boolean"},
        }});
        assert_eq!(
            Value::Object(filled_in(&requested)),
            json!({"name": "John Doe", "confirmed": true})
        );
        assert!(filled_in(&json!({})).is_empty());
    }
}
