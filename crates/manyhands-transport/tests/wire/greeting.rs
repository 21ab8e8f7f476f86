//! The handshake, with servers of every age and temper.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manyhands_transport::{ConnectErrorKind, Protocol};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{Server, call, discovery, introduction, text, within};

#[tokio::test(start_paused = true)]
async fn servers_of_every_age_are_connected_in_their_own_version() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let server = Server::new(move |message, say| match message["method"].as_str() {
            Some("initialize") => say.result(message, introduction(version)),
            _ => say.error(message, -32_602, "before initialization"),
        });
        assert_eq!(server.connect().await.info().protocol, version);
        assert_eq!(
            server.heard("initialize")[0]["params"]["protocolVersion"],
            "2025-11-25"
        );
        server.hears("notifications/initialized").await;
    }
    let modern = Server::modern(|_, _| {});
    assert_eq!(modern.connect().await.info().protocol, "2026-07-28");
    assert!(modern.heard("initialize").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_at_a_question_it_does_not_know_is_met_again() {
    let server = Server::new(|message, say| match message["method"].as_str() {
        Some("server/discover") => say.hang_up(),
        Some("initialize") => say.result(message, introduction("2025-06-18")),
        _ => {}
    });
    let connector = server.connector();
    let connection = connector.connect(server.options()).await.unwrap();
    assert_eq!(connection.info().protocol, "2025-06-18");
    // The next time it is known.
    connector.connect(server.options()).await.unwrap();
    assert_eq!(server.heard("server/discover").len(), 1);
    assert_eq!(connector.known_version().as_deref(), Some("2025-06-18"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_what_it_does_not_know_costs_a_moment() {
    let server = Server::new(|message, say| {
        if message["method"] == "initialize" {
            say.result(message, introduction("2025-06-18"));
        }
    });
    let started = Instant::now();
    assert_eq!(server.connect().await.info().protocol, "2025-06-18");
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_alone_does_not_make_a_server_unknown() {
    let crashes = Arc::new(AtomicUsize::new(0));
    let left = crashes.clone();
    let server = Server::new(move |message, say| match message["method"].as_str() {
        _ if left.load(Ordering::Relaxed) > 0 => {
            left.fetch_sub(1, Ordering::Relaxed);
            say.hang_up();
        }
        Some("initialize") => say.result(message, introduction("2025-06-18")),
        _ => say.error(message, -32_601, "unknown method"),
    });
    let connector = server.connector();
    connector.connect(server.options()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    crashes.store(1, Ordering::Relaxed);
    assert!(connector.connect(server.options()).await.is_err());
    connector.connect(server.options()).await.unwrap();
    assert_eq!(server.heard("server/discover").len(), 1);
    // What was said to the last connection has been heard by then.
    sleep(Duration::from_secs(1)).await;
    // One that ends each time may have learned to speak otherwise.
    crashes.store(2, Ordering::Relaxed);
    assert!(connector.connect(server.options()).await.is_err());
    connector.connect(server.options()).await.unwrap();
    assert_eq!(server.heard("server/discover").len(), 2);
}

/// Takes half a minute before it looks at what waits in its input, and then does everything at once.
fn slow(modern: bool, legacy: bool) -> Server {
    let started = Instant::now();
    Server::new(move |message, say| {
        let (message, say) = (message.clone(), say.clone());
        tokio::spawn(async move {
            sleep(Duration::from_secs(30).saturating_sub(started.elapsed())).await;
            match message["method"].as_str() {
                Some("server/discover") if modern => say.result(&message, discovery()),
                Some("initialize") if legacy => say.result(&message, introduction("2025-11-25")),
                Some("tools/call") => say.result(&message, text("up")),
                _ => say.error(&message, -32_601, "unknown method"),
            }
        });
    })
}

#[tokio::test(start_paused = true)]
async fn a_server_that_boots_slowly_is_connected_whatever_it_speaks() {
    for (modern, legacy, version) in [
        (false, true, "2025-11-25"),
        (true, false, "2026-07-28"),
        (true, true, "2025-11-25"),
    ] {
        let connection = slow(modern, legacy).connect().await;
        assert_eq!(connection.info().protocol, version);
        assert_eq!(
            connection
                .request(call("t"), within(5))
                .await
                .unwrap()
                .text(),
            "up"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_pinned_version_is_the_only_one_that_is_tried() {
    let both = || {
        Server::new(|message, say| match message["method"].as_str() {
            Some("server/discover") => say.result(message, discovery()),
            Some("initialize") => say.result(message, introduction("2025-03-26")),
            _ => {}
        })
    };
    for (pinned, asked, not_asked) in [
        ("2025-03-26", "initialize", "server/discover"),
        ("2026-07-28", "server/discover", "initialize"),
    ] {
        let server = both();
        let options = server
            .options()
            .with_protocol(Protocol::Version(pinned.into()));
        let connection = server.connector().connect(options).await.unwrap();
        assert_eq!(connection.info().protocol, pinned);
        assert_eq!(
            (server.heard(asked).len(), server.heard(not_asked).len()),
            (1, 0)
        );
    }
    let options = both()
        .options()
        .with_protocol(Protocol::Version("2023-01-01".into()));
    let error = both().connector().connect(options).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Settings);
    assert!(
        error
            .to_string()
            .contains("use \"auto\" or one of 2024-11-05"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_from_an_earlier_run_is_tried_first_and_found_out_anew_when_it_is_wrong() {
    let modern = Server::modern(|_, _| {});
    let options = modern
        .options()
        .with_known_version(Some("2025-11-25".into()));
    let connection = modern.connector().connect(options).await.unwrap();
    assert_eq!(connection.info().protocol, "2026-07-28");
    assert_eq!(modern.heard("initialize").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_common_version_is_told_with_what_it_speaks() {
    let server = Server::new(|message, say| match message["method"].as_str() {
        Some("initialize") => say.result(message, introduction("2031-01-01")),
        _ => say.error(message, -32_601, "unknown method"),
    });
    let error = server
        .connector()
        .connect(server.options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Incompatible);
    assert_eq!(
        error.cause(),
        "it speaks no protocol version that we know, only 2031-01-01"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lists_versions_is_asked_again_in_one_of_them() {
    let turns = Arc::new(AtomicUsize::new(0));
    let server = Server::new(move |message, say| {
        if turns.fetch_add(1, Ordering::Relaxed) == 0 {
            let data = json!({"supported": ["2026-07-28"], "requested": "2026-07-28"});
            let error = json!({"code": -32_022, "message": "which?", "data": data});
            say.message(json!({"id": message["id"], "error": error}));
        } else {
            say.result(message, discovery());
        }
    });
    assert_eq!(server.connect().await.info().protocol, "2026-07-28");
}
