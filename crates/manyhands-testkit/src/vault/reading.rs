//! Secrets and their mounts, as clients read them.

use serde_json::{Value, json};

use super::shared::{Shared, envelope, errors, holder, no_route};
use super::store::Version;
use crate::http::{Answer, Request};
use crate::oauth::form::{Fields, decode};

/// When everything was stored, and deleted.
const THEN: &str = "2024-11-13T21:51:50.898782695Z";
const LATER: &str = "2024-11-15T00:45:04.057772212Z";

pub(super) fn answer(
    shared: &Shared,
    method: &str,
    path: &str,
    request: &Request,
    fields: &Fields,
) -> Answer {
    if let Err(refused) = holder(shared, request) {
        return refused;
    }
    if let Some(path) = path.strip_prefix("sys/internal/ui/mounts/") {
        return mount(shared, path);
    }
    let behavior = shared.behavior();
    let within = path.strip_prefix(&behavior.mount);
    let Some(within) = within.and_then(|rest| rest.strip_prefix('/')) else {
        return no_route(path);
    };
    let Some(secret) = within.strip_prefix("data/") else {
        return errors(404, &[]);
    };
    if method != "GET" {
        return errors(405, &["unsupported operation"]);
    }
    let secret = decode(&secret.replace('+', "%2B"));
    if behavior.denied.contains(&secret) {
        return errors(403, &["1 error occurred:\n\t* permission denied\n\n"]);
    }
    let number = match fields.get("version").map(str::parse) {
        Some(Err(_)) => return errors(400, &["the version is no number"]),
        // No version, and version 0, are the newest.
        None | Some(Ok(0)) => None,
        Some(Ok(number)) => Some(number),
    };
    match shared.store().get(&secret, number) {
        Some(version) => read(version),
        None => errors(404, &[]),
    }
}

/// A version that is there is an answer, and so is one that was: its metadata stay.
fn read(version: &Version) -> Answer {
    let deleted = version.data.is_none() && !version.destroyed;
    let data = json!({
        "data": version.data,
        "metadata": {
            "created_time": THEN,
            "custom_metadata": null,
            "deletion_time": if deleted { LATER } else { "" },
            "destroyed": version.destroyed,
            "version": version.number,
        },
    });
    let status = if version.data.is_some() { 200 } else { 404 };
    Answer::json(status, &envelope(&data, &Value::Null))
}

/// Which engine a path belongs to.
fn mount(shared: &Shared, path: &str) -> Answer {
    let mount = shared.behavior().mount;
    let its = format!("{mount}/");
    if !format!("{}/", path.trim_end_matches('/')).starts_with(&its) {
        let message = format!(
            "preflight capability check returned 403, please ensure client's policies grant access to path \"{path}/\""
        );
        return errors(403, &[&message]);
    }
    let data = json!({
        "description": "key/value secret storage",
        "options": {"version": "2"},
        "path": its,
        "type": "kv",
    });
    Answer::json(200, &envelope(&data, &Value::Null))
}
