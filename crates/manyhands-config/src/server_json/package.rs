//! Packages of a `server.json`: the program that runs each kind.

use serde_json::Value;

use super::{Growing, address, arguments, get, text};
use crate::document::shown;

/// Takes the first package that `wanted` names, or the first that can be run.
pub(super) fn take(growing: &mut Growing, packages: &[Value], wanted: &str) -> Result<(), String> {
    let kind = |package: &Value| text(package, "registryType").unwrap_or_default();
    let is_meant = |package: &&Value| {
        if wanted.is_empty() {
            runner(&kind(package)).is_some()
        } else {
            kind(package) == wanted
        }
    };
    let kinds: Vec<String> = packages.iter().map(|it| shown(&kind(it))).collect();
    let package = packages.iter().find(is_meant);
    let package = package.ok_or_else(|| {
        format!(
            "no package of it can be taken; it has: {}",
            kinds.join(", ")
        )
    })?;
    if packages.len() > 1 {
        let others = kinds.join(", ");
        growing.note(format!(
            "it has packages of the types {others}; `--package TYPE` takes another"
        ));
    }
    let kind = kind(package);
    let runner = runner(&kind).ok_or_else(|| {
        format!("a package of the type `{}` has to be fetched and unpacked first, which is not done here", shown(&kind))
    })?;
    let transport = get(package, "transport");
    let transport_type = transport.and_then(|it| text(it, "type"));
    if transport_type.is_some_and(|it| it != "stdio") {
        growing.note("this package is a server at a URL, which has to be started by hand");
        let transport = transport.unwrap_or(&Value::Null);
        return address(growing, transport, "http");
    }
    command(growing, package, runner)
}

/// A program that runs packages, and how it wants them named.
#[derive(Clone, Copy)]
struct Runner {
    program: &'static str,
    before: &'static [&'static str],
    /// What stands between the package's name and its version.
    at: &'static str,
    /// What stands between the package and its arguments.
    after: &'static [&'static str],
}

fn runner(kind: &str) -> Option<Runner> {
    let runner = |program, before, at, after| Runner {
        program,
        before,
        at,
        after,
    };
    match kind {
        "npm" => Some(runner("npx", &["-y"], "@", &[])),
        "pypi" => Some(runner("uvx", &[], "==", &[])),
        "oci" | "docker" => Some(runner("docker", &["run", "-i", "--rm"], ":", &[])),
        "nuget" => Some(runner("dnx", &[], "@", &["--yes", "--"])),
        _ => None,
    }
}

fn command(growing: &mut Growing, package: &Value, runner: Runner) -> Result<(), String> {
    let identifier = text(package, "identifier").ok_or("a package of it has no `identifier`")?;
    // Whatever begins with a dash would be an option of the program that runs it.
    if identifier.starts_with('-') || identifier.is_empty() {
        return Err("the name of its package is no name".to_owned());
    }
    let is_image = runner.program == "docker";
    let mut args: Vec<String> = runner.before.iter().map(|it| (*it).to_owned()).collect();
    let mut given = Vec::new();
    arguments::add(growing, &mut given, get(package, "runtimeArguments"));
    // Those that we give ourselves are often given again.
    args.extend(
        given
            .into_iter()
            .filter(|it| !runner.before.contains(&it.as_str())),
    );
    let variables = get(package, "environmentVariables").and_then(Value::as_array);
    for variable in variables.into_iter().flatten() {
        let name = arguments::pair(growing, "env", variable);
        if let Some(name) = name.filter(|_| is_image) {
            // Without a value, it is the one that docker itself was given.
            args.extend(["-e".to_owned(), name]);
        }
    }
    args.push(versioned(&identifier, package, runner));
    let mut own = Vec::new();
    arguments::add(growing, &mut own, get(package, "packageArguments"));
    if !own.is_empty() {
        args.extend(runner.after.iter().map(|it| (*it).to_owned()));
    }
    args.extend(own);
    if let Some(hint) = text(package, "runtimeHint").filter(|hint| hint != runner.program) {
        growing.note(format!(
            "it suggests `{}` to run it; it is run by `{}`",
            shown(&hint),
            runner.program
        ));
    }
    growing
        .entry
        .insert("command".to_owned(), runner.program.into());
    growing.entry.insert("args".to_owned(), args.into());
    Ok(())
}

/// The package with its version, unless the identifier names one already, as images do.
fn versioned(identifier: &str, package: &Value, runner: Runner) -> String {
    let last = identifier.rsplit('/').next().unwrap_or_default();
    let has_one = runner.at == ":" && last.contains([':', '@']);
    match text(package, "version") {
        Some(version) if !has_one && !version.is_empty() && version != "latest" => {
            format!("{identifier}{}{version}", runner.at)
        }
        _ => identifier.to_owned(),
    }
}
