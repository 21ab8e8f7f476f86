//! Several replicas of one server are started, waited for, followed and ended as one.

use std::time::Duration;

use manyhands_core::{CallContext, ListKind, Request, ServerId};
use manyhands_resilience::MAX_REPLICAS;
use manyhands_routing::Replicas;
use manyhands_testkit::{Fault, ScriptedServer};
use manyhands_transport::{ConnectOptions, Connector, Phase, StdioSettings};
use manyhands_transport::{Supervised, Supervision};

const SECOND: Duration = Duration::from_secs(1);

fn supervised(connector: Connector) -> Supervised {
    let options = ConnectOptions::new(ServerId::parse("s").expect("a legal id"));
    Supervised::new(connector, options, Supervision::default().with_seed(1))
}

fn replicas(connectors: impl IntoIterator<Item = Connector>) -> Replicas {
    let mut all = connectors.into_iter().map(supervised);
    let first = Replicas::from(all.next().expect("there is one"));
    first.with_more(all)
}

fn no_such_command() -> Connector {
    Connector::stdio(StdioSettings::new("no-such-server"))
}

#[tokio::test(start_paused = true)]
async fn there_are_so_many_and_no_more() {
    let server = ScriptedServer::new("s");
    let all = replicas((0..MAX_REPLICAS + 9).map(|_| server.connector()));
    assert_eq!(
        (all.len(), all.iter().count()),
        (MAX_REPLICAS, MAX_REPLICAS)
    );
    assert!(all.get(MAX_REPLICAS - 1).is_some() && all.get(MAX_REPLICAS).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_first_that_comes_up_is_enough_and_why_none_does_is_told() {
    let slow = ScriptedServer::new("slow").fault(Fault::NeverAnswersHandshake);
    let good = ScriptedServer::new("good");
    let all = replicas([no_such_command(), slow.connector(), good.connector()]);
    let connection = all.connection(SECOND).await.unwrap();
    assert_eq!(connection.info().name, "good");
    let (kind, cursor) = (ListKind::Tools, None);
    let request = Request::List { kind, cursor };
    let context = CallContext::default().with_timeout(SECOND);
    all.wait_for_start(&request, &context).await.unwrap();
    assert!(all.is_up());

    let none = replicas([no_such_command(), no_such_command()]);
    let error = none.wait_for_start(&request, &context).await.unwrap_err();
    assert_eq!(error.cause(), "the command no-such-server was not found");
}

#[tokio::test(start_paused = true)]
async fn one_speaks_for_all_as_long_as_it_is_up_and_then_another() {
    let servers = [0, 1, 2].map(|n| ScriptedServer::new(&n.to_string()));
    let all = replicas(servers.iter().map(ScriptedServer::connector));
    let mut followed = all.follow();
    all.start();
    let mut said = Vec::new();
    let mut go_on = async |until: usize| loop {
        let turn = followed.next().await.expect("they are not closed");
        if let Some(Phase::Up(connection)) = turn.server {
            said.push(connection.info().name.clone());
            assert_eq!(followed.spokesman().server().as_str(), "s");
            if said.len() == until {
                return (said[until - 1].clone(), followed.speaker());
            }
        }
    };
    let (first, speaker) = go_on(1).await;
    assert_eq!(first, speaker.to_string());
    while !all.iter().all(Supervised::is_up) {
        tokio::time::sleep(SECOND).await;
    }
    servers[speaker].stop();
    let (second, speaker) = go_on(2).await;
    assert_ne!(first, second);
    assert_eq!(second, speaker.to_string());

    all.close().await;
    let mut last = None;
    while let Some(turn) = tokio::time::timeout(SECOND, followed.next())
        .await
        .expect("one is open")
    {
        last = turn.server.or(last);
    }
    assert!(matches!(last, Some(Phase::Closed)), "{last:?}");
    assert!(servers.iter().all(|it| it.open_connections() == 0));
}
