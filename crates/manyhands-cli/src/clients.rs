//! Where other clients' files lie for whoever runs this.

use std::path::PathBuf;

use manyhands_config::clients::{Places, System};

use crate::load::{absolute, config_dir};

/// The folders that the environment names.
pub(crate) fn places() -> Places {
    // Claude Code names projects by whole paths.
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let mut places = Places::new(System::this(), folder);
    places.home = absolute("HOME").or_else(|| absolute("USERPROFILE"));
    places.config = config_dir();
    places.codex = absolute("CODEX_HOME");
    places
}
