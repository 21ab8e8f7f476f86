//! The workspace's packages as `cargo metadata` tells them. It must not know any rule about them.

use anyhow::{Context as _, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

/// A member of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// The path of its manifest, relative to the root, with `/` on every platform.
    pub(crate) manifest: String,
    /// The manifest itself, in which problems find their line.
    pub(crate) text: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// The names of its features, `default` among them if it has that.
    pub(crate) features: Vec<String>,
    /// Everything that its `[features]` turn on, such as `rmcp/client`.
    pub(crate) feature_targets: Vec<String>,
}

/// A direct dependency, of whatever kind.
pub(crate) struct Dependency {
    /// The package's name, also where the manifest renames it.
    pub(crate) name: String,
    /// The name in the manifest.
    pub(crate) key: String,
    /// `dev` or `build`; empty for a normal one.
    pub(crate) kind: String,
    /// With `default` among them unless the manifests turn it off.
    pub(crate) features: Vec<String>,
}

impl Package {
    /// The folder, relative to the root.
    pub(crate) fn folder(&self) -> &str {
        self.manifest
            .strip_suffix("/Cargo.toml")
            .unwrap_or_default()
    }

    /// Whether it is one of the crates that the layers order.
    pub(crate) fn is_crate(&self) -> bool {
        self.manifest.starts_with("crates/")
    }

    /// Whether it only tests; such a package may depend on anything.
    pub(crate) fn is_test(&self) -> bool {
        self.manifest.starts_with("tests/")
    }

    /// The line of the manifest that names the dependency; 1 if it is written in a way that hides it.
    pub(crate) fn line_of(&self, dependency: &Dependency) -> usize {
        let names_it = |line: &str| {
            let line = line.trim_start();
            let key = line
                .strip_prefix('[')
                .and_then(|table| table.split_once("dependencies."))
                .map_or(line, |(_, key)| key);
            key.strip_prefix(dependency.key.as_str())
                .is_some_and(|rest| rest.starts_with([' ', '.', '=', ']']))
        };
        self.text
            .lines()
            .position(names_it)
            .map_or(1, |index| index + 1)
    }
}

/// Reads them all. `--no-deps` needs neither a network nor a lock file.
pub(crate) fn read(sh: &Shell) -> Result<Vec<Package>> {
    let metadata = cmd!(sh, "cargo metadata --no-deps --format-version 1 --locked")
        .quiet()
        .read()
        .context("cargo cannot load the workspace; mend what it says above")?;
    let mut packages = parse(&metadata)?;
    for package in &mut packages {
        package.text = sh.read_file(&package.manifest)?;
    }
    Ok(packages)
}

/// Reads the packages out of the metadata, without the text of their manifests.
fn parse(metadata: &str) -> Result<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo's metadata is not JSON")?;
    let root = text(&metadata, "workspace_root")?;
    list(&metadata, "packages")
        .map(|package| parse_package(package, &root))
        .collect()
}

fn parse_package(package: &Value, root: &str) -> Result<Package> {
    let manifest = text(package, "manifest_path")?;
    let relative = manifest
        .strip_prefix(root)
        .with_context(|| format!("`{manifest}` is outside of the workspace"))?;
    let features = package.get("features").and_then(Value::as_object);
    let targets = features
        .into_iter()
        .flat_map(|table| table.values())
        .filter_map(Value::as_array)
        .flatten();
    Ok(Package {
        name: text(package, "name")?,
        manifest: relative
            .replace('\\', "/")
            .trim_start_matches('/')
            .to_owned(),
        text: String::new(),
        dependencies: list(package, "dependencies")
            .map(parse_dependency)
            .collect::<Result<_>>()?,
        features: features
            .into_iter()
            .flat_map(|table| table.keys().cloned())
            .collect(),
        feature_targets: targets
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    })
}

fn parse_dependency(dependency: &Value) -> Result<Dependency> {
    let name = text(dependency, "name")?;
    let named = list(dependency, "features").filter_map(Value::as_str);
    let default = dependency
        .get("uses_default_features")
        .and_then(Value::as_bool)
        .unwrap_or(true)
        .then_some("default");
    Ok(Dependency {
        key: text(dependency, "rename").unwrap_or_else(|_| name.clone()),
        kind: text(dependency, "kind").unwrap_or_default(),
        features: default
            .into_iter()
            .chain(named)
            .map(str::to_owned)
            .collect(),
        name,
    })
}

/// The text under `key`.
pub(crate) fn text(value: &Value, key: &str) -> Result<String> {
    let found = value.get(key).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .with_context(|| format!("cargo's metadata has no text `{key}`"))
}

/// The list under `key`; empty where there is none.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

#[cfg(test)]
impl Package {
    /// A package in `folder` whose name is the folder's, depending on `dependencies`, one manifest line each.
    pub(crate) fn fixture(folder: &str, dependencies: &[&str]) -> Self {
        let dependency = |name: &&str| Dependency {
            name: (*name).to_owned(),
            key: (*name).to_owned(),
            kind: String::new(),
            features: Vec::new(),
        };
        Self {
            name: folder.rsplit('/').next().unwrap().to_owned(),
            manifest: format!("{folder}/Cargo.toml"),
            text: dependencies
                .iter()
                .map(|name| format!("{name}.workspace = true\n"))
                .collect(),
            dependencies: dependencies.iter().map(dependency).collect(),
            features: Vec::new(),
            feature_targets: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"workspace_root": "/w", "packages": [{
        "name": "manyhands-core", "manifest_path": "/w/crates/manyhands-core/Cargo.toml",
        "features": {"x": ["dep:y", "rmcp/client"]},
        "dependencies": [
            {"name": "rmcp", "kind": null, "rename": null, "uses_default_features": false, "features": ["auth"]},
            {"name": "serde_json", "kind": "dev", "rename": "json", "uses_default_features": true, "features": []}
        ]}]}"#;

    #[test]
    fn metadata_is_read_with_relative_paths_and_default_features() {
        let packages = parse(METADATA).unwrap();
        let [core] = packages.as_slice() else {
            panic!("one package")
        };
        assert_eq!(core.manifest, "crates/manyhands-core/Cargo.toml");
        assert_eq!(core.folder(), "crates/manyhands-core");
        assert_eq!(core.features, ["x"]);
        assert_eq!(core.feature_targets, ["dep:y", "rmcp/client"]);
        assert!(core.is_crate() && !core.is_test());
        let [rmcp, json] = core.dependencies.as_slice() else {
            panic!("two dependencies")
        };
        assert_eq!(
            (rmcp.features.as_slice(), rmcp.kind.as_str()),
            (["auth".to_owned()].as_slice(), "")
        );
        assert_eq!(
            (json.name.as_str(), json.key.as_str(), json.kind.as_str()),
            ("serde_json", "json", "dev")
        );
        assert_eq!(json.features, ["default"]);
    }

    #[test]
    fn metadata_without_a_name_is_an_error() {
        let error =
            parse(r#"{"workspace_root": "/w", "packages": [{"manifest_path": "/w/Cargo.toml"}]}"#)
                .err()
                .unwrap();
        assert_eq!(error.to_string(), "cargo's metadata has no text `name`");
    }

    #[test]
    fn a_dependency_is_found_in_each_way_of_writing_it() {
        let mut package = Package::fixture("crates/a", &["rmcp"]);
        for (text, line) in [
            ("[dependencies]\nrmcp-macros = \"3\"\nrmcp = \"3\"\n", 3),
            ("rmcp.workspace = true\n", 1),
            ("\n[dev-dependencies.rmcp]\nversion = \"3\"\n", 2),
            ("[dependencies]\nserde = \"1\"\n", 1),
        ] {
            package.text = text.to_owned();
            assert_eq!(package.line_of(&package.dependencies[0]), line, "{text}");
        }
    }
}
