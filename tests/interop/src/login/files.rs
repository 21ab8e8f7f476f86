//! A person's login, kept in a file: from "nobody is logged in" over an expired token to the logout.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::world::{Back, LIFE, World, text};
use crate::outcome::{Row, contains, equal, holds};
use crate::plan::Plan;

const ADA: &str = "a person: ada";
/// How old a token has to be before a server that refuses it is believed: 5 s, and some more.
const NO_LONGER_NEW: Duration = Duration::from_secs(6);
const MEND: &str = "run `manyhands auth login crm`";

pub(super) async fn run(plan: &Plan, row: &mut Row) -> Result<(), String> {
    let world = World::start(plan).await?;
    row.check("say that a login is needed", needed(&world).await);
    row.check("log in by a redirect", logged_in(&world).await);
    row.check("tell of the login", told(&world).await);
    let does = "renew an expired token once for two processes";
    row.check(does, renewed_once(&world).await);
    list(&world, row).await;
    row.check(
        "log out, and give the tokens back",
        logged_out(&world).await,
    );
    row.check("say that a login is needed again", needed(&world).await);
    row.check("log in by a pasted address", pasted(&world).await);
    row.check(
        "tell that the login was taken back",
        taken_back(&world).await,
    );
    row.check("end what was started", world.end().await);
    Ok(())
}

/// Nobody is logged in: each command says so, and what to run.
pub(super) async fn needed(world: &World<'_>) -> Result<(), String> {
    let tools = world.run(&["tools"]).await?;
    contains(&tools.err, MEND)?;
    let doctor = world.run(&["doctor"]).await?;
    equal(&doctor.code, &Some(3))?;
    contains(&doctor.out, "needs-auth")?;
    contains(&doctor.out, MEND)?;
    let call = world.run(&["call", "crm.whoami"]).await?;
    equal(&call.code, &Some(4))?;
    contains(&call.err, MEND)?;
    let status = world.run(&["auth", "status"]).await?.success()?;
    contains(&status, "not logged in")?;
    equal(&world.files()?.len(), &0)
}

async fn logged_in(world: &World<'_>) -> Result<(), String> {
    let registrations = "registration_create.success";
    world.auth.counted(registrations, None, 0).await?;
    world.log_in(Back::ByRedirect).await?;
    world.auth.counted(registrations, None, 1).await?;
    granted(world, "authorization_code", 1).await?;
    is_private(&world.file()?.0)
}

/// Whether only its owner may read a file.
#[cfg(unix)]
pub(super) fn is_private(path: &std::path::Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    let mode = metadata.permissions().mode() & 0o777;
    equal(&format!("{mode:o}"), &"600".to_owned())
}

#[cfg(not(unix))]
pub(super) fn is_private(_: &std::path::Path) -> Result<(), String> {
    Ok(())
}

async fn told(world: &World<'_>) -> Result<(), String> {
    let status = world.run(&["auth", "status"]).await?.success()?;
    contains(&status, "crm  logged in, kept in a file")?;
    contains(&status, "for tools:list tools:call")?;
    let status = world.json(&["auth", "status", "--json"]).await?;
    let told = |key: &str| status.pointer(&format!("/logins/0/{key}")).cloned();
    equal(&told("loggedIn"), &Some(Value::Bool(true)))?;
    equal(&told("refreshable"), &Some(Value::Bool(true)))?;
    equal(&told("place"), &Some(Value::from("file")))
}

/// The authorization server ends a whole login in which a refresh token comes twice, so that a second renewal would show.
async fn renewed_once(world: &World<'_>) -> Result<(), String> {
    let refresh = || text_of(world, "/login/tokens/refresh");
    let old = refresh()?;
    granted(world, "refresh_token", 0).await?;
    sleep(Duration::from_secs(LIFE)).await;
    equal(
        &world
            .is_active(&text_of(world, "/login/tokens/access")?)
            .await?,
        &false,
    )?;
    let (one, other) = tokio::join!(world.whoami(ADA), world.whoami(ADA));
    one.and(other)?;
    granted(world, "refresh_token", 1).await?;
    world.whoami(ADA).await?;
    granted(world, "refresh_token", 1).await?;
    holds(refresh()? != old, "another refresh token", "the old one")?;
    equal(&world.is_active(&refresh()?).await?, &true)
}

/// Whether tokens were given for this so often.
pub(super) async fn granted(world: &World<'_>, grant: &str, times: usize) -> Result<(), String> {
    let counted = world.auth.counted("grant.success", Some(grant), times);
    counted.await
}

fn text_of(world: &World<'_>, pointer: &str) -> Result<String, String> {
    let found = text(&world.file()?.1, pointer);
    holds(!found.is_empty(), pointer, "nothing").map(|()| found)
}

/// Lists the tools, for what the row says of the server, too.
pub(super) async fn list(world: &World<'_>, row: &mut Row) {
    let listed = listed(world, row).await;
    row.check("list tools", listed);
}

async fn listed(world: &World<'_>, row: &mut Row) -> Result<(), String> {
    let list = world.json(&["tools", "--json"]).await?;
    let tools = list.get("tools").and_then(Value::as_array);
    row.tools = tools.map(Vec::len);
    let doctor = world.json(&["doctor", "--json"]).await?;
    row.protocol = Some(text(&doctor, "/servers/0/implementation/protocol"));
    equal(&text(&list, "/tools/0/name").as_str(), &"crm.whoami")
}

async fn logged_out(world: &World<'_>) -> Result<(), String> {
    let access = text_of(world, "/login/tokens/access")?;
    let refresh = text_of(world, "/login/tokens/refresh")?;
    equal(&world.is_active(&access).await?, &true)?;
    let out = world.run(&["auth", "logout", "crm"]).await?.success()?;
    equal(&out.as_str(), &"logged out of crm\n")?;
    equal(&world.is_active(&refresh).await?, &false)?;
    equal(&world.is_active(&access).await?, &false)?;
    let again = world.run(&["auth", "logout", "crm"]).await?.success()?;
    contains(&again, "nobody was logged in")
}

async fn pasted(world: &World<'_>) -> Result<(), String> {
    world.log_in(Back::ByHand).await?;
    world.whoami(ADA).await
}

/// Somebody ends the login at the authorization server. We say so, and do not go on asking.
async fn taken_back(world: &World<'_>) -> Result<(), String> {
    let refresh = text_of(world, "/login/tokens/refresh")?;
    let client = text_of(world, "/login/client/id")?;
    world.take_back(&refresh, &client).await?;
    sleep(NO_LONGER_NEW).await;
    for _ in 0..2 {
        let call = world.run(&["call", "crm.whoami"]).await?;
        equal(&call.code, &Some(4))?;
        contains(&call.err, MEND)?;
    }
    world.auth.counted("grant.error", None, 1).await?;
    let status = world.run(&["auth", "status"]).await?.success()?;
    contains(&status, "not logged in")
}
