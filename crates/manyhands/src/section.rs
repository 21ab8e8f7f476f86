//! What may stand in the `manyhands` object of one server, handed on to the layers that it means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use manyhands_core::Secret;
use manyhands_toolkit::ServerSettings;
use manyhands_transport::{HttpSettings, TlsSettings};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::accounts::{AccountSection, OAuthSection};

/// What may stand in the `manyhands` object of one server.
///
/// Relative paths begin at the folder of the configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ServerSection {
    /// What the toolkit makes of the server.
    #[serde(flatten)]
    pub toolkit: ServerSettings,
    /// Names of variables of ours that a child process gets beside the usual harmless ones. Default: none.
    pub inherit_env: Vec<String>,
    /// Further URLs at which the same server is, to share its calls; 63 at the most. Headers and settings are the same for
    /// all, and all have to offer the same. Default: none.
    pub replicas: Vec<Secret>,
    /// The Unix socket to connect to in place of the URL's host; `@name` is one of Linux's abstract sockets. Default: none.
    pub unix_socket: Option<PathBuf>,
    /// Whom to trust over https, and which certificate of ours to show.
    pub tls: TlsSection,
    /// Whether messages may travel unencrypted, by http, to another machine. Default: false.
    pub allow_plain_http: bool,
    /// How to log in where the server wants that, or false for never. Default: as the server says.
    pub oauth: OAuthSection,
    /// Credentials of their own for some principals, by the name of the account. Among several that fit, the one that
    /// names the principal wins, then the first by name that names one of its roles. Default: none.
    pub accounts: BTreeMap<String, AccountSection>,
    /// Whether every principal without an account logs in for itself. Default: false.
    pub per_principal: bool,
}

/// Whom to trust over https, and which certificate of ours to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TlsSection {
    /// PEM files with certificates of authorities that are trusted beside the system's. Default: none.
    pub ca: Paths,
    /// Whether only the authorities in `ca` are trusted, and none of the system's. Default: false.
    pub only_ca: bool,
    /// A PEM file with our own certificate, for servers that ask for one. Default: none.
    pub cert: Option<PathBuf>,
    /// A PEM file with the private key to it. Default: the file of the certificate.
    pub key: Option<PathBuf>,
}

/// A path, or a list of paths.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a path or a list of paths")]
#[non_exhaustive]
pub enum Paths {
    /// One path.
    One(PathBuf),
    /// Any number of paths.
    Many(Vec<PathBuf>),
}

impl Default for Paths {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl ServerSection {
    /// The files with authorities to trust.
    pub(crate) fn authorities(&self, folder: &Path) -> Vec<PathBuf> {
        let whole = |path: &PathBuf| folder.join(path);
        match &self.tls.ca {
            Paths::One(path) => vec![whole(path)],
            Paths::Many(paths) => paths.iter().map(whole).collect(),
        }
    }

    /// Puts into `settings` what this section says of HTTP.
    pub(crate) fn apply(self, folder: &Path, settings: &mut HttpSettings) {
        let authorities = self.authorities(folder);
        let whole = |path: PathBuf| folder.join(path);
        let tls = &mut settings.tls;
        *tls = TlsSettings::default();
        tls.ca = authorities;
        tls.only_ca = self.tls.only_ca;
        tls.cert = self.tls.cert.map(whole);
        tls.key = self.tls.key.map(whole);
        settings.allow_plain_http = self.allow_plain_http;
        if let Some(path) = self.unix_socket {
            let is_abstract = path.to_string_lossy().starts_with('@');
            settings.unix_socket = Some(if is_abstract { path } else { whole(path) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_begin_at_the_folder_of_the_file() {
        let section: ServerSection = serde_json::from_value(serde_json::json!({
            "tls": {"ca": "ca.pem", "onlyCa": true, "cert": "/abs/c.pem", "key": "k.pem"},
            "unixSocket": "a.sock", "allowPlainHttp": true,
        }))
        .unwrap();
        let mut settings = HttpSettings::new("http://a.example");
        section.apply(Path::new("/srv"), &mut settings);
        let mut tls = TlsSettings::default().with_ca("/srv/ca.pem").only_ca();
        tls = tls.with_identity("/abs/c.pem", "/srv/k.pem");
        assert_eq!(settings.tls, tls);
        assert_eq!(settings.unix_socket.unwrap(), Path::new("/srv/a.sock"));
        assert!(settings.allow_plain_http);

        let section: ServerSection = serde_json::from_value(
            serde_json::json!({"tls": {"ca": ["a", "/b"]}, "unixSocket": "@egress"}),
        )
        .unwrap();
        let mut settings = HttpSettings::new("https://a.example");
        section.apply(Path::new("/srv"), &mut settings);
        assert_eq!(settings.tls.ca, [Path::new("/srv/a"), Path::new("/b")]);
        assert_eq!(settings.unix_socket.unwrap(), Path::new("@egress"));
    }
}
