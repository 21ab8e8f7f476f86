//! Logins and secrets in a real keyring, in a session of its own: unlocked, locked, and not there.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::sleep;

use super::files::{self, is_private};
use super::service::Service;
use super::world::{BUS, Back, LIFE, World, text};
use crate::outcome::{Row, contains, equal, holds};
use crate::plan::Plan;
use crate::process;

const ADA: &str = "a person: ada";
/// What is kept under `slack/token`.
const SECRET: &str = "kept by secret-tool";

/// What a program finds in its environment.
type Env = Vec<(&'static str, OsString)>;

/// A session with a keyring, which lies in the world's home.
struct Session {
    service: Service,
    /// What the keyring's own programs need to find it.
    env: Env,
}

pub(super) async fn unlocked(plan: &Plan, row: &mut Row) -> Result<(), String> {
    let mut world = World::start(plan).await?;
    row.version = version(plan, &world).await;
    let mut session = match Session::start(plan, &mut world, "unlocked").await {
        Ok(session) => session,
        Err(failure) => return Err(world.end().await.err().unwrap_or(failure)),
    };
    row.check("log in", logged_in(&world, &session).await);
    row.check("renew an expired token", renewed(&world, &session).await);
    files::list(&world, row).await;
    row.check(
        "log out, with nothing left behind",
        logged_out(&world, &session).await,
    );
    row.check("read a secret", secret_read(&world, &session).await);
    row.check("tell of a secret that is not there", missing(&world).await);
    row.check(
        "end what was started",
        session.service.end().await.and(world.end().await),
    );
    Ok(())
}

pub(super) async fn unusable(plan: &Plan, row: &mut Row) -> Result<(), String> {
    let mut world = World::start(plan).await?;
    row.version = version(plan, &world).await;
    let ended = without_key(plan, row, &mut world).await;
    row.check("end what was started", world.end().await);
    ended
}

/// First there is a keyring, then it is locked, then there is none.
async fn without_key(plan: &Plan, row: &mut Row, world: &mut World<'_>) -> Result<(), String> {
    let mut session = Session::start(plan, world, "unlocked").await?;
    let prepared = world.log_in(Back::ByRedirect).await;
    let stored = session.store().await;
    session.service.end().await?;
    row.check("log in", prepared.and(stored));

    let mut session = Session::start(plan, world, "locked").await?;
    row.check("tell that it is locked", locked(world).await);
    let does = "log in with a file, if it is locked";
    row.check(does, fallen_back(world).await);
    session.service.end().await?;

    world.with_env(Vec::new());
    let does = "log in with a file, if there is none";
    row.check(does, fallen_back(world).await);
    row.check("tell that there is none", gone(world).await);
    Ok(())
}

impl Session {
    /// Starts it, and lets the binary find it.
    async fn start(plan: &Plan, world: &mut World<'_>, how: &str) -> Result<Self, String> {
        let mut env = tools(plan, world);
        let mut command = Command::new("sh");
        command.arg(plan.script("login/session.sh")).arg(how);
        command.envs(env.iter().cloned()).env_remove(BUS);
        let (service, said) = Service::start("the keyring's session", &mut command).await?;
        let bus: OsString = text(&said, "/bus").into();
        world.with_env(vec![(BUS, bus.clone())]);
        env.push((BUS, bus));
        Ok(Self { service, env })
    }

    /// What the keyring has of us.
    async fn items(&self) -> Result<String, String> {
        let mut command = Command::new("secret-tool");
        command.args(["search", "--all", "--unlock", "service", "manyhands"]);
        let ended = process::run(command.envs(self.env.iter().cloned())).await?;
        Ok(format!("{}{}", ended.out, ended.err))
    }

    /// Keeps [`SECRET`], as `docs/configuration.md` tells people to.
    async fn store(&self) -> Result<(), String> {
        let tool = "printf %s \"$0\" | secret-tool store --label=x service slack username token";
        let mut command = Command::new("sh");
        command.args(["-c", tool, SECRET]);
        let ended = process::run(command.envs(self.env.iter().cloned())).await?;
        ended.success().map(drop)
    }
}

/// Where the keyring's own programs are, unpacked or this machine's, and where they keep what they keep.
fn tools(plan: &Plan, world: &World<'_>) -> Env {
    let root = |path: &str| plan.file(super::KEYRING, "root").join(path);
    let joined = |paths: Vec<PathBuf>| std::env::join_paths(paths).unwrap_or_default();
    let mut paths = vec![root("usr/bin")];
    let old = std::env::var_os("PATH").unwrap_or_default();
    paths.extend(std::env::split_paths(&old));
    let libraries = ["usr/lib", "lib"].map(root).into_iter().flat_map(folders);
    vec![
        ("PATH", joined(paths)),
        ("LD_LIBRARY_PATH", joined(libraries.collect())),
        ("HOME", world.home("").into()),
        ("XDG_RUNTIME_DIR", world.home("").into()),
        ("XDG_DATA_HOME", world.home("data").into()),
        ("LC_ALL", "C".into()),
    ]
}

/// The folders of libraries, one for each kind of machine.
fn folders(path: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten();
    let paths = entries.filter_map(|it| Some(it.ok()?.path()));
    paths.filter(|it| it.is_dir()).collect()
}

/// What the keyring says of itself: "gnome-keyring-daemon: 42.1" in the first line.
async fn version(plan: &Plan, world: &World<'_>) -> Option<String> {
    let mut command = Command::new("gnome-keyring-daemon");
    command.envs(tools(plan, world)).arg("--version");
    let said = process::run(&mut command).await.ok()?.success().ok()?;
    let version = said.lines().next()?.rsplit_once(' ')?.1;
    Some(version.to_owned())
}

async fn logged_in(world: &World<'_>, session: &Session) -> Result<(), String> {
    world.log_in(Back::ByRedirect).await?;
    let (_, file) = world.file()?;
    equal(&text(&file, "/place").as_str(), &"keyring")?;
    equal(&file.get("login"), &Some(&Value::Null))?;
    let items = session.items().await?;
    contains(&items, "attribute.service = manyhands")?;
    let kept: Vec<&str> = items
        .lines()
        .filter(|it| it.starts_with("secret = "))
        .collect();
    equal(&kept.len(), &1)?;
    let kept = kept.first().and_then(|it| it.strip_prefix("secret = "));
    let kept: Value = serde_json::from_str(kept.unwrap_or_default()).unwrap_or_default();
    for token in ["/tokens/access", "/tokens/refresh"] {
        let token = text(&kept, token);
        holds(!token.is_empty(), "a token in the keyring", "none")?;
        let shown = file.to_string().contains(&token);
        holds(!shown, "no token in the file", "one")?;
    }
    let status = world.run(&["auth", "status"]).await?.success()?;
    contains(&status, "crm  logged in, kept in the keyring")
}

async fn renewed(world: &World<'_>, session: &Session) -> Result<(), String> {
    let before = session.items().await?;
    sleep(Duration::from_secs(LIFE)).await;
    world.whoami(ADA).await?;
    files::granted(world, "refresh_token", 1).await?;
    let after = session.items().await?;
    holds(before != after, "other tokens", "the old ones")?;
    world.whoami(ADA).await?;
    files::granted(world, "refresh_token", 1).await
}

async fn logged_out(world: &World<'_>, session: &Session) -> Result<(), String> {
    world.run(&["auth", "logout", "crm"]).await?.success()?;
    let items = session.items().await?;
    holds(!items.contains("manyhands"), "no item", &items)?;
    files::needed(world).await
}

/// A server over pipes that writes down what it was given, and then is one of the demo's.
fn note_taker() -> Result<Value, String> {
    let program = crate::plan::manyhands().map_err(|error| error.to_string())?;
    let script = "printf %s \"$TOKEN\" >\"$HOME/seen\"; exec \"$0\" demo-server slack";
    Ok(json!({
        "command": "sh",
        "args": ["-c", script, program],
        "env": {"TOKEN": "${secret:keyring:slack/token}"},
    }))
}

async fn secret_read(world: &World<'_>, session: &Session) -> Result<(), String> {
    session.store().await?;
    world.configure(&json!({"notes": note_taker()?}))?;
    let doctor = world.run(&["doctor"]).await?.success()?;
    contains(&doctor, "1 of 1 servers ready")?;
    let seen = std::fs::read_to_string(world.home("seen"));
    equal(&seen.unwrap_or_default().as_str(), &SECRET)
}

async fn missing(world: &World<'_>) -> Result<(), String> {
    let mut server = note_taker()?;
    if let Some(env) = server.get_mut("env") {
        *env = json!({"TOKEN": "${secret:keyring:slack/other}"});
    }
    world.configure(&json!({"notes": server}))?;
    let doctor = world.run(&["doctor"]).await?;
    equal(&doctor.code, &Some(3))?;
    contains(&doctor.out, "the keyring has no such entry")?;
    contains(
        &doctor.out,
        "secret-tool store --label=slack service slack username other",
    )
}

/// The login lies in the keyring, and cannot be had; so does the secret.
async fn locked(world: &World<'_>) -> Result<(), String> {
    let crm = json!({"url": world.url});
    world.configure(&json!({"crm": crm, "notes": note_taker()?}))?;
    let doctor = world.run(&["doctor"]).await?;
    equal(&doctor.code, &Some(3))?;
    contains(&doctor.out, "0 of 2 servers ready")?;
    let login = "where its login is kept cannot be used: the keyring is locked";
    contains(&doctor.out, login)?;
    let secret = "its secret `keyring:slack/token` cannot be read: the keyring is locked";
    contains(&doctor.out, secret)?;
    holds(
        !world.home("seen").exists(),
        "that the server did not start",
        "it did",
    )
}

/// A login of which the keyring knows nothing yet goes into a file.
async fn fallen_back(world: &World<'_>) -> Result<(), String> {
    for (path, _) in world.files()? {
        std::fs::remove_file(path).map_err(|error| error.to_string())?;
    }
    let crm = json!({"url": world.url});
    world.configure(&json!({"crm": crm}))?;
    world.log_in(Back::ByRedirect).await?;
    let (path, file) = world.file()?;
    equal(&text(&file, "/place").as_str(), &"file")?;
    is_private(&path)?;
    world.whoami(ADA).await?;
    let status = world.run(&["auth", "status"]).await?.success()?;
    contains(&status, "kept in a file")
}

async fn gone(world: &World<'_>) -> Result<(), String> {
    world.configure(&json!({"notes": note_taker()?}))?;
    let doctor = world.run(&["doctor"]).await?;
    equal(&doctor.code, &Some(3))?;
    contains(
        &doctor.out,
        "there is no keyring that we can use: zbus error",
    )?;
    contains(&doctor.out, "start a keyring in this session")
}
