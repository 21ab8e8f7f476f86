//! Where in Vault a secret is.

use crate::secrets::error::{SecretError, SecretErrorKind};

/// A secret of the key-value engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The parts of the mount.
    pub(super) mount: Vec<String>,
    /// The parts of the path within it.
    pub(super) path: Vec<String>,
    /// Which field of the secret is meant; none for the only one.
    pub(super) field: Option<String>,
}

impl Place {
    /// Takes apart `MOUNT/PATH#FIELD`, where the path may begin with `data/` as in Vault's API.
    pub(super) fn parse(key: &str) -> Result<Self, SecretError> {
        let refuse = |cause: &str| {
            Err(SecretError::new(SecretErrorKind::Misconfigured, cause)
                .with_mend("write it as MOUNT/PATH#FIELD, as in vault:secret/github/bot#token"))
        };
        let (path, field) = match key.split_once('#') {
            Some((path, field)) => (path, Some(field.to_owned())),
            None => (key, None),
        };
        if field.as_deref() == Some("") {
            return refuse("the key has a `#` and no field after it");
        }
        let mut mount: Vec<String> = path.split('/').map(str::to_owned).collect();
        if mount
            .iter()
            .any(|part| matches!(part.as_str(), "" | "." | ".."))
        {
            return refuse("the path has a part that is empty or made of dots");
        }
        let data = mount.iter().skip(1).position(|part| part == "data");
        let path = match data {
            Some(at) => {
                let path = mount.split_off(at + 1);
                path.into_iter().skip(1).collect()
            }
            None => mount.split_off(1),
        };
        if path.is_empty() {
            return refuse("the key names a mount and no path in it");
        }
        Ok(Self { mount, path, field })
    }
}
