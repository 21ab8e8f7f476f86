//! Whom a TLS connection trusts and as whom it comes, and what is wrong when none is made.
//!
//! Files are read anew for every connection, so that a renewed certificate needs no restart. There is no way to leave
//! out the check of a server's certificate.

mod fault;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, Identity};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error as TlsError, RootCertStore};

use crate::error::{ConnectErrorKind, OpenError};
pub(crate) use fault::TlsFault;

/// The longest file that is read; the list of all public authorities takes a fifth of it.
const MAX_FILE: u64 = 1024 * 1024;

/// Whom to trust beside the system's authorities, and the certificate to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsSettings {
    /// PEM files with certificates of authorities that are trusted as well.
    pub ca: Vec<PathBuf>,
    /// Trusts the authorities in `ca` alone, and none of the system's.
    pub only_ca: bool,
    /// A PEM file with our own certificate, and those between it and its authority.
    pub cert: Option<PathBuf>,
    /// A PEM file with the private key to it; by default the key is in the same file.
    pub key: Option<PathBuf>,
}

impl TlsSettings {
    /// Trusts the authorities in this PEM file as well.
    #[must_use]
    pub fn with_ca(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca.push(file.into());
        self
    }

    /// Trusts none of the system's authorities.
    #[must_use]
    pub fn only_ca(mut self) -> Self {
        self.only_ca = true;
        self
    }

    /// Shows the certificate in one PEM file, with the key in another, to servers that ask for it.
    #[must_use]
    pub fn with_identity(mut self, cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.cert = Some(cert.into());
        self.key = Some(key.into());
        self
    }

    /// Adds what the files hold.
    pub(super) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, OpenError> {
        let mut authorities = Vec::new();
        for file in &self.ca {
            authorities.extend(read_authorities(file)?);
        }
        if self.only_ca && authorities.is_empty() {
            return Err(wrong("its `tls` trusts no authority at all")
                .with_mend("name a file in `tls.ca`, or leave out `tls.onlyCa`"));
        }
        builder = if self.only_ca {
            builder.tls_certs_only(authorities)
        } else {
            builder.tls_certs_merge(authorities)
        };
        match (&self.cert, &self.key) {
            (Some(cert), key) => {
                Ok(builder.identity(read_identity(cert, key.as_ref().unwrap_or(cert))?))
            }
            (None, Some(_)) => Err(wrong("its `tls` has a key and no certificate to it")
                .with_mend("name the certificate's file in `tls.cert`")),
            (None, None) => Ok(builder),
        }
    }

    /// Says why no client can be made of what the files hold; none where they are not at fault.
    pub(super) fn explain(&self, error: &reqwest::Error) -> Option<OpenError> {
        let cert = self.cert.as_ref()?;
        let key = self.key.as_ref().unwrap_or(cert);
        Some(match fault::beneath(error)? {
            TlsError::InconsistentKeys(_) => wrong(format!(
                "the key in {key:?} does not belong to the certificate in {cert:?}"
            ))
            .with_mend("use the key that the certificate was made for"),
            other => wrong(format!(
                "the certificate in {cert:?} and the key in {key:?} cannot be used ({other})"
            ))
            .with_mend("use a key of a usual kind: RSA, ECDSA or Ed25519"),
        })
    }
}

fn wrong(cause: impl Into<String>) -> OpenError {
    OpenError::new(ConnectErrorKind::Settings, cause)
}

/// The bytes of a file that settings name.
fn read(file: &Path) -> Result<Vec<u8>, OpenError> {
    let failed = |why: String| {
        wrong(format!("the file {file:?} of its `tls` cannot be read ({why})"))
            .with_mend("correct the path, which begins at the folder of the configuration file, or the file's permissions")
    };
    let about = fs::metadata(file).map_err(|error| failed(error.to_string()))?;
    // A pipe or a device could keep us waiting for ever.
    if !about.is_file() {
        return Err(failed("it is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    let opened = fs::File::open(file);
    opened
        .and_then(|opened| opened.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(failed("it is over 1 MiB".to_owned()));
    }
    Ok(bytes)
}

/// The certificates in a file; at least one.
fn certificates(file: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(wrong(format!("the file {file:?} holds no certificate"))
            .with_mend("give a PEM file, with a line that says BEGIN CERTIFICATE")),
        Err(_) => Err(damaged(file)),
    }
}

fn damaged(file: &Path) -> OpenError {
    wrong(format!("a certificate in the file {file:?} is damaged")).with_mend("copy the file anew")
}

fn read_authorities(file: &Path) -> Result<Vec<Certificate>, OpenError> {
    let bytes = read(file)?;
    let found = certificates(file, &bytes)?;
    let mut trial = RootCertStore::empty();
    let usable = found.into_iter().map(|der| {
        let certificate = Certificate::from_der(&der).map_err(|_| damaged(file))?;
        trial.add(der).map_err(|_| damaged(file))?;
        Ok(certificate)
    });
    usable.collect()
}

fn read_identity(cert: &Path, key: &Path) -> Result<Identity, OpenError> {
    let mut pem = read(cert)?;
    certificates(cert, &pem)?;
    let of_key = read(key)?;
    if PrivateKeyDer::from_pem_slice(&of_key).is_err() {
        let text = String::from_utf8_lossy(&of_key);
        let (what, mend) = if text.contains("ENCRYPTED") {
            (
                "is locked by a password",
                "store it without one, readable to you alone",
            )
        } else {
            (
                "holds no private key",
                "give a PEM file, with a line that says BEGIN PRIVATE KEY",
            )
        };
        return Err(wrong(format!("the file {key:?} {what}")).with_mend(mend));
    }
    if key != cert {
        pem.push(b'\n');
        pem.extend(of_key);
    }
    Identity::from_pem(&pem).map_err(|_| damaged(cert))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: &TlsSettings) -> String {
        let error = settings.apply(reqwest::Client::builder()).unwrap_err();
        format!("{error}; {}", error.mend().unwrap_or_default())
    }

    #[test]
    fn each_file_that_cannot_be_used_is_named_with_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("empty.pem"), "nothing\n").unwrap();
        fs::write(
            path("odd.pem"),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        let locked =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        fs::write(path("locked.pem"), locked).unwrap();
        let ca = |name: &str| TlsSettings::default().with_ca(path(name));
        let identity =
            |cert: &str, key: &str| TlsSettings::default().with_identity(path(cert), path(key));
        let key_alone = TlsSettings {
            key: Some(path("odd.pem")),
            ..TlsSettings::default()
        };
        for (settings, expected) in [
            (
                ca("none.pem"),
                "none.pem\" of its `tls` cannot be read (No such file",
            ),
            (ca("."), "of its `tls` cannot be read (it is not a file)"),
            (
                ca("empty.pem"),
                "empty.pem\" holds no certificate; give a PEM file",
            ),
            (ca("odd.pem"), "odd.pem\" is damaged; copy the file anew"),
            (
                identity("empty.pem", "odd.pem"),
                "empty.pem\" holds no certificate",
            ),
            (
                identity("odd.pem", "none.pem"),
                "none.pem\" of its `tls` cannot be read",
            ),
            (
                identity("odd.pem", "empty.pem"),
                "empty.pem\" holds no private key",
            ),
            (
                identity("odd.pem", "locked.pem"),
                "locked.pem\" is locked by a password",
            ),
            (
                TlsSettings::default().only_ca(),
                "trusts no authority at all",
            ),
            (key_alone, "has a key and no certificate to it"),
        ] {
            let found = refused(&settings);
            assert!(found.contains(expected), "{found}\n{expected}");
        }
    }
}
