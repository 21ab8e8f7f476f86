//! Servers behind a Unix socket: where a path leads, and why nobody answers there.
//!
//! It opens sockets and knows no protocol: over one, newline-delimited JSON is spoken; over another, HTTP.

use std::path::{Path, PathBuf};

use crate::error::{ConnectErrorKind, OpenError};
use crate::wire::Wire;

/// Connects to the socket at this path.
#[cfg(unix)]
pub(crate) async fn open(path: &Path) -> Result<Wire, OpenError> {
    let stream = tokio::net::UnixStream::connect(real(path)).await;
    stream
        .map(Wire::from_io)
        .map_err(|error| explain(path, &error))
}

#[cfg(not(unix))]
pub(crate) async fn open(path: &Path) -> Result<Wire, OpenError> {
    Err(unsupported(path))
}

/// The path as the system takes it: `@name` is one of Linux's abstract sockets, which lie in no folder.
#[cfg(unix)]
pub(crate) fn real(path: &Path) -> PathBuf {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

    match path.as_os_str().as_bytes().strip_prefix(b"@") {
        Some(name) if cfg!(any(target_os = "linux", target_os = "android")) => {
            PathBuf::from(OsString::from_vec([b"\0", name].concat()))
        }
        _ => path.to_owned(),
    }
}

#[cfg(not(unix))]
pub(crate) fn unsupported(path: &Path) -> OpenError {
    OpenError::new(
        ConnectErrorKind::Settings,
        format!("there are no Unix sockets on this system, such as {path:?}"),
    )
    .with_mend("reach the server over HTTP, or start it as a child process")
}

#[cfg(unix)]
fn explain(path: &Path, error: &std::io::Error) -> OpenError {
    use std::io::ErrorKind;

    let (kind, cause, mend) = match error.kind() {
        ErrorKind::NotFound => (
            ConnectErrorKind::Unreachable,
            format!("there is no socket at {path:?}"),
            "check the path, and that the server is running",
        ),
        ErrorKind::ConnectionRefused => (
            ConnectErrorKind::Unreachable,
            format!("nobody listens at the socket {path:?}"),
            "start the server; a socket that it left behind does not answer",
        ),
        ErrorKind::PermissionDenied => (
            ConnectErrorKind::Unreachable,
            format!("the socket {path:?} may not be opened by this user"),
            "look at the permissions of the socket and of its folder",
        ),
        ErrorKind::InvalidInput => (
            ConnectErrorKind::Settings,
            format!("{path:?} cannot be a socket's path"),
            "it may be about 100 bytes long; put the socket into a folder with a shorter path",
        ),
        _ => (
            ConnectErrorKind::Unreachable,
            format!("the socket {path:?} cannot be opened ({error})"),
            "check the path, and that the server is running",
        ),
    };
    OpenError::new(kind, cause).with_mend(mend)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(path: &Path) -> String {
        let error = open(path).await.unwrap_err();
        format!("{error}; {}", error.mend().unwrap_or_default())
    }

    #[tokio::test]
    async fn each_obstacle_has_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.sock");
        assert_eq!(
            refused(&missing).await,
            format!(
                "there is no socket at {missing:?}; check the path, and that the server is running"
            )
        );
        let left = folder.path().join("left.sock");
        drop(tokio::net::UnixListener::bind(&left).unwrap());
        assert_eq!(
            refused(&left).await,
            format!(
                "nobody listens at the socket {left:?}; start the server; a socket that it left behind does not answer"
            )
        );
        let long = folder.path().join("x".repeat(200));
        assert!(refused(&long).await.contains("cannot be a socket's path"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_at_sign_names_an_abstract_socket() {
        assert_eq!(real(Path::new("@name")), Path::new("\0name"));
        assert_eq!(real(Path::new("/a/@name")), Path::new("/a/@name"));
    }
}
