//! Commands that print secrets, and commands that do not.

use super::*;

async fn read(key: &str) -> Result<Secret, SecretError> {
    CommandSource.read(key).await
}

#[tokio::test]
async fn what_a_program_prints_is_the_secret() {
    let read = async |key| read(key).await.unwrap();
    assert_eq!(read("printf 'a b\\n'").await.expose(), "a b");
    assert_eq!(read("printf %s $HOME").await.expose(), "$HOME");
    assert_eq!(
        read(r#"sh -c 'printf "%s" "$PATH"'"#).await.expose(),
        std::env::var("PATH").unwrap()
    );
    // An empty standard input ends `cat` at once.
    assert_eq!(read("cat").await.expose(), "");
}

#[tokio::test]
async fn a_failure_is_told_in_the_words_of_the_program() {
    let script = r"sh -c 'echo canary; echo >&2; echo no \[31m entry >&2; echo more >&2; exit 3'";
    let script = script.replace(r"\[", "\u{1b}[");
    let error = read(&script).await.unwrap_err();
    assert_eq!(
        error.cause(),
        r"the command failed with exit code 3: no \u{1b}[31m entry"
    );
    assert_eq!(error.kind(), SecretErrorKind::Unavailable);
}

#[tokio::test]
async fn a_complaint_that_repeats_the_secret_is_not_told() {
    let error = read("sh -c 'echo canary; echo wrote canary >&2; exit 1'").await;
    assert_eq!(
        error.unwrap_err().cause(),
        "the command failed with exit code 1"
    );
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_explained() {
    let error = read("no-such-program-here a").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Misconfigured);
    assert_eq!(error.cause(), "there is no program `no-such-program-here`");
    let error = read("echo 'canary").await.unwrap_err();
    assert_eq!(
        error.cause(),
        "the command has a quote that is never closed"
    );
    assert_eq!(
        read("''").await.unwrap_err().kind(),
        SecretErrorKind::Misconfigured
    );
}

#[tokio::test]
async fn too_much_output_is_refused_and_too_many_complaints_are_not_kept() {
    let error = read("head -c 70000 /dev/zero").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::TooLarge);
    let read = read("sh -c 'head -c 1000000 /dev/zero >&2; echo a'").await;
    assert_eq!(read.unwrap().expose(), "a");
}

/// Time stands still until the program has begun, and then passes at once.
#[cfg(unix)]
#[tokio::test]
async fn a_program_that_does_not_end_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let (pid, fifo) = (dir.path().join("pid"), dir.path().join("fifo"));
    let (pid_path, fifo_path) = (pid.display(), fifo.display());
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let key = format!("sh -c 'echo $$ > {pid_path}; : > {fifo_path}; exec sleep 600'");
    let opened = {
        let fifo = fifo.clone();
        tokio::task::spawn_blocking(move || std::fs::read(fifo))
    };
    let mut reading = Box::pin(async { read(&key).await });
    tokio::select! {
        _ = &mut reading => panic!("it sleeps for 10 minutes"),
        read = opened => drop(read.unwrap().unwrap()),
    }
    tokio::time::pause();
    let error = reading.await.unwrap_err();
    assert_eq!(error.cause(), "the command did not end within 30 s");
    tokio::time::resume();
    let pid = std::fs::read_to_string(pid).unwrap();
    let is_gone = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z"))
    };
    for _ in 0..1000 {
        if is_gone() {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert!(is_gone());
}
