//! Where the binary keeps logins.

use manyhands::{Access, LoginStore};

use crate::failure::Failure;
use crate::load::state_dir;
use crate::output;

/// Where secrets and logins come from.
pub(crate) fn access() -> Access {
    let access = Access::default();
    match store() {
        Ok(logins) => access.with_logins(logins),
        Err(_) => {
            // Without a place of its own, a login lasts as long as the command; `auth` says so as an error.
            output::note(
                "logins are not kept: set HOME, and MANYHANDS_LOGINS to `keyring` or `file`",
            );
            access
        }
    }
}

/// Where logins are kept: in the keyring where there is one, else in files.
pub(crate) fn store() -> Result<LoginStore, Failure> {
    let folder = state_dir().map(|it| it.join("logins")).ok_or_else(|| {
        Failure::usage("failed to find a folder for logins: set HOME or XDG_STATE_HOME")
    })?;
    match std::env::var("MANYHANDS_LOGINS").as_deref() {
        Err(_) | Ok("" | "keyring") => Ok(LoginStore::in_keyring(folder)),
        Ok("file") => Ok(LoginStore::in_folder(folder)),
        Ok(other) => {
            let other = output::printable(other);
            Err(Failure::usage(format!(
                "failed to read MANYHANDS_LOGINS: it is `{other}`, and should be `keyring` or `file`"
            )))
        }
    }
}
