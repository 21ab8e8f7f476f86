//! Logins kept, replaced, and told apart, in memory and in a folder.

use std::time::Duration;

use tokio::time::timeout;

use super::*;

fn key(account: Option<&str>) -> Key {
    Key {
        resource: "https://a.example/mcp".to_owned(),
        account: account.map(str::to_owned),
    }
}

fn login(access: &str) -> Login {
    Login {
        issuer: "https://login.example".to_owned(),
        client: Registration {
            id: "client".to_owned(),
            secret: Some("client-secret".to_owned()),
            redirect_uri: "http://127.0.0.1:1/callback".to_owned(),
            dynamic: true,
        },
        tokens: Some(Tokens {
            access: access.to_owned(),
            refresh: Some("refresh-secret".to_owned()),
            scopes: vec!["read".to_owned()],
            received_at: 1,
            expires_at: Some(3601),
        }),
    }
}

/// A store of each kind. The folder lives as long as what is returned with it.
fn stores() -> (tempfile::TempDir, [LoginStore; 2]) {
    let folder = tempfile::tempdir().unwrap();
    // A folder that is not there yet is made.
    let in_folder = LoginStore::in_folder(folder.path().join("a/b"));
    (folder, [LoginStore::in_memory(), in_folder])
}

#[tokio::test]
async fn only_what_was_seen_is_replaced() {
    let (_folder, stores) = stores();
    for store in stores {
        let (key, one, two) = (key(None), login("one"), login("two"));
        assert_eq!(store.load(&key).await.unwrap(), None);
        assert!(!store.swap(&key, Some(&one), Some(&two)).await.unwrap());
        assert!(store.swap(&key, None, Some(&one)).await.unwrap());
        assert!(!store.swap(&key, None, Some(&two)).await.unwrap());
        assert_eq!(store.load(&key).await.unwrap(), Some(one.clone()));
        assert!(store.swap(&key, Some(&one), Some(&two)).await.unwrap());
        assert!(!store.swap(&key, Some(&one), None).await.unwrap());
        assert_eq!(store.load(&key).await.unwrap(), Some(two.clone()));
        assert!(store.swap(&key, Some(&two), None).await.unwrap());
        assert_eq!(store.load(&key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn accounts_and_servers_are_kept_apart() {
    let (_folder, stores) = stores();
    for store in stores {
        store
            .swap(&key(None), None, Some(&login("everybody")))
            .await
            .unwrap();
        store
            .swap(&key(Some("ada")), None, Some(&login("ada")))
            .await
            .unwrap();
        let elsewhere = Key {
            resource: "https://b.example/mcp".to_owned(),
            account: None,
        };
        assert_eq!(store.load(&elsewhere).await.unwrap(), None);
        assert_eq!(store.load(&key(Some("bob"))).await.unwrap(), None);
        assert_eq!(
            store.load(&key(Some("ada"))).await.unwrap(),
            Some(login("ada"))
        );
        let summaries = store.summaries().await.unwrap();
        assert_eq!(summaries.len(), 2);
        assert_eq!(
            summaries.iter().filter(|it| it.account.is_none()).count(),
            1
        );
    }
}

#[tokio::test]
async fn changes_wait_for_their_turn_also_between_processes() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        LoginStore::in_folder(folder.path()),
        LoginStore::in_folder(folder.path()),
    );
    for (one, two) in [(one.clone(), two), (one.clone(), one)] {
        let turn = one.turn(&key(None)).await.unwrap();
        let moment = Duration::from_millis(100);
        assert!(timeout(moment, two.turn(&key(None))).await.is_err());
        // Another login is nobody else's business.
        drop(two.turn(&key(Some("ada"))).await.unwrap());
        drop(turn);
        drop(
            timeout(Duration::from_secs(5), two.turn(&key(None)))
                .await
                .unwrap()
                .unwrap(),
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_ours_counts_as_none_and_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = LoginStore::in_folder(folder.path());
    let path = folder.path().join(format!("{}.json", key(None).digest()));
    for text in ["", "{", "[]", "{\"resource\": 1}", "\u{0}"] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(store.load(&key(None)).await.unwrap(), None, "{text:?}");
        assert_eq!(store.summaries().await.unwrap(), []);
    }
    assert!(
        store
            .swap(&key(None), None, Some(&login("one")))
            .await
            .unwrap()
    );
    assert_eq!(store.load(&key(None)).await.unwrap(), Some(login("one")));
    // Nothing half written is left beside it.
    let left = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(
        left.filter(|it| it.as_ref().unwrap().path().extension().unwrap() == "tmp")
            .count(),
        0
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let store = LoginStore::in_folder(folder.path());
    store
        .swap(&key(None), None, Some(&login("one")))
        .await
        .unwrap();
    let path = folder.path().join(format!("{}.json", key(None).digest()));
    let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(store.load(&key(None)).await.unwrap(), Some(login("one")));
    assert_eq!(mode(), 0o600);
}

#[tokio::test]
async fn a_login_that_cannot_be_read_any_more_can_be_replaced_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = LoginStore::in_folder(folder.path());
    let path = folder.path().join(format!("{}.json", key(None).digest()));
    for next in [Some(login("two")), None] {
        store
            .replace(&key(None), Some(&login("one")))
            .await
            .unwrap();
        // As if it had been made where there is a keyring.
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"file\"", "\"keyring\"")).unwrap();
        assert!(store.load(&key(None)).await.is_err());
        store.replace(&key(None), next.as_ref()).await.unwrap();
        assert_eq!(store.load(&key(None)).await.unwrap(), next);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = LoginStore::in_folder(file.path());
    let error = store
        .swap(&key(None), None, Some(&login("one")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    assert!(
        error
            .cause()
            .starts_with("where its login is kept cannot be used: "),
        "{error}"
    );
}

#[test]
fn nothing_of_a_login_is_shown() {
    let (key, login) = (key(None), login("access-secret"));
    let shown = format!("{login:?} {:?}", login.summary(&key, Place::Memory));
    assert!(!shown.contains("-secret"), "{shown}");
    assert!(!key.digest().contains("example"));
}
