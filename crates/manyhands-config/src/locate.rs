//! Where a configuration file is looked for when none was named.

use std::path::{Path, PathBuf};

/// The places in a project, in order: our own, then those of Claude Code, Cursor and VS Code.
const PROJECT: [&str; 4] = [
    "mcp.json",
    ".mcp.json",
    ".cursor/mcp.json",
    ".vscode/mcp.json",
];

/// A configuration file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Located {
    /// The path of the file.
    pub path: PathBuf,
    /// Whether it came with the project, so that somebody else may have written it.
    pub project_local: bool,
}

/// Finds the configuration for the folder `dir`: its own, else the user's.
///
/// Looks in `dir` for `mcp.json`, `.mcp.json`, `.cursor/mcp.json` and
/// `.vscode/mcp.json`, then in `user_config_dir` for `manyhands/mcp.json`. Only
/// regular files count: a directory or a pipe of that name is passed over.
#[must_use]
pub fn locate(dir: &Path, user_config_dir: Option<&Path>) -> Option<Located> {
    let project = PROJECT.iter().map(|name| (dir.join(name), true));
    let user = user_config_dir.map(|dir| (dir.join("manyhands").join("mcp.json"), false));
    let mut places = project.chain(user);
    let (path, project_local) = places.find(|(path, _)| path.is_file())?;
    Some(Located {
        path,
        project_local,
    })
}
