//! A login without a person: the binary comes as a client with a secret of its own.

use serde_json::json;

use super::world::World;
use crate::outcome::{Row, contains, equal, holds};
use crate::plan::Plan;

pub(super) async fn run(plan: &Plan, row: &mut Row) -> Result<(), String> {
    let mut world = World::start(plan).await?;
    row.check("call without a person", called(&mut world).await);
    super::files::list(&world, row).await;
    row.check("keep nothing", kept(&world));
    row.check("tell of a wrong secret", refused(&mut world).await);
    row.check("end what was started", world.end().await);
    Ok(())
}

/// Configures the client with this secret.
fn configure(world: &mut World<'_>, secret: &str) -> Result<(), String> {
    let oauth = json!({
        "grant": "client_credentials",
        "clientId": "robot",
        "clientSecret": "${secret:env:ROBOT_SECRET}",
    });
    let crm = json!({"url": world.url, "manyhands": {"oauth": oauth}});
    world.configure(&json!({"crm": crm}))?;
    world.with_env(vec![
        ("MANYHANDS_LOGINS", "file".into()),
        ("ROBOT_SECRET", secret.into()),
    ]);
    Ok(())
}

async fn called(world: &mut World<'_>) -> Result<(), String> {
    configure(world, "the-secret-of-the-robot")?;
    world.whoami("a client: robot").await?;
    // One for each process, since nothing is kept.
    super::files::granted(world, "client_credentials", 1).await
}

fn kept(world: &World<'_>) -> Result<(), String> {
    equal(&world.files()?.len(), &0)
}

async fn refused(world: &mut World<'_>) -> Result<(), String> {
    configure(world, "a-secret-of-somebody-else")?;
    let call = world.run(&["call", "crm.whoami"]).await?;
    holds(call.code != Some(0), "a failure", &call.out)?;
    contains(&call.err, "invalid_client")?;
    contains(&call.err, "clientSecret")?;
    let shown = call.err.contains("somebody-else");
    holds(!shown, "no secret", &call.err)
}
