//! A router says of each server which way it goes, or why there is none.

use std::time::Duration;

use manyhands_core::ServerId;
use manyhands_routing::{Down, Limit, Limits, RouteState, Router};
use manyhands_transport::{ConnectOptions, Connector, Supervised, Supervision};

fn id(text: &str) -> ServerId {
    ServerId::parse(text).expect("a legal id")
}

#[tokio::test(start_paused = true)]
async fn a_route_leads_to_a_server_or_nowhere_and_never_both() {
    let connector = Connector::in_process(|_| async {});
    let options = ConnectOptions::new(id("up"));
    let server = Supervised::new(connector, options, Supervision::default());
    let router = Router::default();
    let limit = Limit {
        idle: Duration::from_secs(1),
        total: Duration::from_secs(2),
    };
    router.set(id("up"), RouteState::Up(server, Limits::new(limit)));
    router.set(id("down"), RouteState::Down(Down::new("it crashed")));
    let up = router.supervised(&id("up")).unwrap();
    assert_eq!(up.server(), &id("up"));
    assert!(router.down(&id("up")).is_none());
    assert!(router.supervised(&id("down")).is_none());
    assert!(router.down(&id("down")).is_some());
    assert!(router.supervised(&id("none")).is_none() && router.down(&id("none")).is_none());
}
