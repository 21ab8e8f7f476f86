//! Files that hold secrets, and files that should not be read.

use super::*;

async fn read(path: &Path) -> Result<Secret, SecretError> {
    FileSource::default().read(path.to_str().unwrap()).await
}

fn file(dir: &tempfile::TempDir, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join("secret");
    std::fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn one_line_break_at_the_end_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    for (content, secret) in [
        ("a", "a"),
        ("a\n", "a"),
        ("a\r\n", "a"),
        ("a\n\n", "a\n"),
        (" a\nb \n", " a\nb "),
        ("\n", ""),
    ] {
        let read = read(&file(&dir, content)).await.unwrap();
        assert_eq!(read.expose(), secret, "{content:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_or_no_text_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let largest = "x".repeat(MAX_SECRET);
    let fits = read(&file(&dir, format!("{largest}\r\n"))).await;
    assert_eq!(fits.unwrap().expose(), largest);
    let error = read(&file(&dir, format!("{largest}xxx"))).await;
    assert_eq!(error.unwrap_err().kind(), SecretErrorKind::TooLarge);
    let error = read(&file(&dir, b"canary\xff")).await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::NotText);
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn a_path_is_absolute_or_begins_at_home() {
    let error = FileSource::default().read("secret").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Misconfigured);
    let error = FileSource::default().read("~other/secret").await;
    assert_eq!(error.unwrap_err().kind(), SecretErrorKind::Misconfigured);
    let home = std::env::home_dir().unwrap();
    assert_eq!(whole("~/a/b").unwrap(), home.join("a/b"));
    let error = read(Path::new("/no/such/file")).await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::NotFound);
}

#[cfg(unix)]
#[tokio::test]
async fn only_regular_files_are_read_and_links_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(file(&dir, "a"), &link).unwrap();
    assert_eq!(read(&link).await.unwrap().expose(), "a");
    for odd in [dir.path(), Path::new("/dev/zero")] {
        let error = read(odd).await.unwrap_err();
        assert_eq!(error.kind(), SecretErrorKind::Misconfigured, "{odd:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_may_read_is_warned_of_once() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "a");
    let is_open_at = |mode: u32| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        is_open(&path, &path.metadata().unwrap())
    };
    assert_eq!(
        [0o600, 0o400, 0o640, 0o604].map(is_open_at),
        [false, false, true, true]
    );
    assert!(!is_open(
        Path::new("/run/secrets/a"),
        &path.metadata().unwrap()
    ));
    let source = FileSource::default();
    assert!(source.is_news(&path));
    assert!(!source.clone().is_news(&path));
}
