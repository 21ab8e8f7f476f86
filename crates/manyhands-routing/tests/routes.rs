//! A router says of each server which way it goes, or why there is none, and a route keeps what its layers know.

use std::num::NonZeroU32;
use std::time::Duration;

use manyhands_core::{Arguments, Call, Delivery, ErrorKind, Request, ServerId};
use manyhands_resilience::{BreakerSettings, BreakerState, CoalesceSettings, StackSettings};
use manyhands_resilience::{DeadlineSettings, Statistics};
use manyhands_routing::{Down, LayerSettings, Layers, Limit, Limits, Route, RouteState, Router};
use manyhands_testkit::{Fault, ScriptedServer};
use manyhands_transport::{ConnectOptions, Supervised, Supervision};

const SECOND: Duration = Duration::from_secs(1);

fn id(text: &str) -> ServerId {
    ServerId::parse(text).expect("a legal id")
}

fn route(server: &ScriptedServer, settings: &LayerSettings) -> Route {
    let options = ConnectOptions::new(id("up"));
    let server = Supervised::new(server.connector(), options, Supervision::default());
    let limits = Limits::new(Limit {
        idle: SECOND,
        total: 2 * SECOND,
    });
    let statistics = Statistics::default();
    Route::new(server, limits, settings, &statistics, &Layers::default())
}

fn call() -> Call {
    let (name, arguments) = ("t".into(), Arguments::default());
    Call::new(id("up"), Request::CallTool { name, arguments })
}

#[tokio::test(start_paused = true)]
async fn a_route_leads_to_a_server_or_nowhere_and_never_both() {
    let router = Router::default();
    let route = route(&ScriptedServer::new("up"), &LayerSettings::default());
    router.set(id("up"), RouteState::Up(route));
    router.set(id("down"), RouteState::Down(Down::new("it crashed")));
    let up = router.route(&id("up")).unwrap();
    assert_eq!(up.server().server(), &id("up"));
    assert!(router.down(&id("up")).is_none());
    assert!(router.route(&id("down")).is_none());
    assert!(router.down(&id("down")).is_some());
    assert!(router.route(&id("none")).is_none() && router.down(&id("none")).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_set_anew_remembers_how_its_calls_went() {
    let once = BreakerSettings::default().with_consecutive(NonZeroU32::MIN);
    let stack = StackSettings::default().with_breaker(once);
    let settings = LayerSettings::default().with_stack(stack);
    let server = ScriptedServer::new("up").tool("t", |_| serde_json::Value::Null);
    let server = server.fault(Fault::FailsCall(-32_603));
    for settings in [
        settings.clone(),
        settings.with_coalesce(Some(CoalesceSettings::default())),
    ] {
        let (router, route) = (Router::default(), route(&server, &settings));
        for expected in [ErrorKind::Refused, ErrorKind::Unavailable] {
            router.set(id("up"), RouteState::Up(route.clone()));
            let error = router.dispatch(call()).await.unwrap_err();
            assert_eq!(error.kind(), expected);
        }
        let status = route.breakers()[0].status("up").unwrap();
        assert_eq!(status.state, BreakerState::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_clocks_have_the_first_word_on_a_deadline() {
    let deadline = DeadlineSettings::default().with_attempt(SECOND / 2);
    let attempts = StackSettings::default().with_deadline(deadline);
    let attempts = LayerSettings::default().with_stack(attempts);
    let server = ScriptedServer::new("up").tool("t", |_| serde_json::Value::Null);
    let server = server.fault(Fault::HangsOnCall);
    for (settings, within) in [(LayerSettings::default(), "1s"), (attempts, "500ms")] {
        let router = Router::default();
        router.set(id("up"), RouteState::Up(route(&server, &settings)));
        let error = router.dispatch(call()).await.unwrap_err();
        assert_eq!(error.cause(), format!("no answer within {within}"));
        assert_eq!(error.delivery(), Delivery::Unknown);
    }
}
