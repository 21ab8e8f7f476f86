//! What stands in for a tool that could not be used: when another of its group is called in its place, with which arguments,
//! and what is said when all have failed. It must not know how a call is made.
//!
//! Another server can cure what is wrong with one server: it is down, too busy, left alone, does not answer in time, or lets
//! nobody in who is not logged in. It cannot cure a request that is wrong, nor what a tool itself refuses; and that somebody
//! is forbidden something is no reason to do it elsewhere. Two systems share nothing that makes a second time harmless, so
//! that after a call that may have been acted on, only what merely reads is called elsewhere.

use manyhands_core::{
    Arguments, CallError, Delivery, Effect, ErrorKind, ErrorType, QualifiedName, Reply, ServerId,
    Tried,
};
use manyhands_jq::{JqError, Program};
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::shared::Shared;

/// Why a call that ended so is made elsewhere; none where it is not.
pub(crate) fn cause(ended: &Result<Reply, CallError>, effect: Effect) -> Option<&str> {
    match ended {
        Err(error) => {
            let cures = match error.error_type() {
                ErrorType::Transient | ErrorType::Critical => true,
                ErrorType::Authorization => error.kind() == ErrorKind::Unauthorized,
                ErrorType::Permanent => false,
            };
            (cures && did_nothing(error, effect)).then(|| error.cause())
        }
        Ok(reply) if effect == Effect::ReadOnly => {
            let failure = reply.failure()?;
            let passes = failure.error_type == Some(ErrorType::Transient);
            passes.then_some(failure.message.as_str())
        }
        Ok(_) => None,
    }
}

/// Whether a call that failed has certainly changed nothing.
pub(crate) fn did_nothing(error: &CallError, effect: Effect) -> bool {
    error.delivery() != Delivery::Unknown || effect == Effect::ReadOnly
}

/// A tool that stands in for another.
pub(crate) struct StandIn {
    pub(crate) tool: QualifiedName,
    mapping: Mapping,
}

enum Mapping {
    Same,
    By(Program),
    Broken(JqError),
}

impl Shared {
    /// What stands in for a tool, in the order of preference. None does for a tool whose own arguments are made by a program:
    /// those for the others cannot be found from them.
    pub(crate) fn stand_ins(&self, wanted: &str) -> Vec<StandIn> {
        let declared = &self.ranked.declared;
        let Some((name, group)) = declared.groups.group_of(wanted) else {
            return Vec::new();
        };
        let first = group.tools.first().map(|it| it.tool.as_str());
        let own = group.tools.iter().find(|it| it.tool == wanted);
        let is_mapped = first != Some(wanted) && own.is_some_and(|it| it.arguments.is_some());
        if !group.fallback || is_mapped {
            return Vec::new();
        }
        let ranking = self.ranking();
        let ranked = ranking.group(name).map(|it| &*it.members);
        let place = |tool: &str| {
            let mut ranked = ranked.unwrap_or_default().iter();
            ranked.position(|it| it.tool.to_string() == tool)
        };
        let others = group.tools.iter().enumerate();
        let others = others.filter(|(_, it)| it.tool != wanted);
        let of_it = |tool: &str| {
            declared
                .groups
                .group_of(tool)
                .is_some_and(|it| it.0 == name)
        };
        let mut others: Vec<_> = others.filter(|(_, it)| of_it(&it.tool)).collect();
        // A server whose offer is not known, which ranks nowhere, is asked last: it may have to be started.
        others.sort_by_key(|(at, it)| (place(&it.tool).unwrap_or(usize::MAX), *at));
        others.dedup_by(|a, b| a.1.tool == b.1.tool);
        let stand_ins = others.into_iter().filter_map(|(at, member)| {
            let mapping = match declared.program(member).filter(|_| at > 0) {
                None => Mapping::Same,
                Some(Ok(program)) => Mapping::By(program.clone()),
                Some(Err(error)) => Mapping::Broken(error.clone()),
            };
            let tool = QualifiedName::parse(&member.tool).ok()?;
            Some(StandIn { tool, mapping })
        });
        stand_ins.collect()
    }
}

impl StandIn {
    /// The arguments that it takes in place of these.
    pub(crate) async fn arguments(&self, given: &Arguments) -> Result<Arguments, CallError> {
        let program = match &self.mapping {
            Mapping::Same => return Ok(given.clone()),
            Mapping::Broken(error) => return Err(self.unmapped(error.cause())),
            Mapping::By(program) => program.clone(),
        };
        let given = Value::from(given.as_object().clone());
        // Bounded, and still too long for those who wait for nothing.
        let made = spawn_blocking(move || program.run(&given)).await;
        let made = made.map_err(|_| self.unmapped("the program ended"))?;
        let made = made.map_err(|error| self.unmapped(error.cause()))?;
        Arguments::try_from(made).map_err(|error| self.unmapped(&error.to_string()))
    }

    fn unmapped(&self, cause: &str) -> CallError {
        let cause = format!("its arguments cannot be made: {cause}");
        CallError::new(ErrorKind::InvalidArguments, Delivery::NotSent, cause)
            .with_server(self.tool.server().clone())
    }
}

/// Where a call was tried, and why it failed there.
#[derive(Default)]
pub(crate) struct Attempts(Vec<Vec<Tried>>);

impl Attempts {
    /// Adds how a call ended that was made of a tool of `server`.
    pub(crate) fn add(
        &mut self,
        server: &ServerId,
        ended: &Result<Reply, CallError>,
        began: Instant,
    ) {
        let once = |times| vec![Tried::new(server.clone(), times, began.elapsed())];
        let (tried, cause) = match ended {
            Ok(reply) => {
                let cause = reply.failure().map_or("", |it| it.message.as_str());
                (once(1), cause)
            }
            Err(error) if error.tried().is_empty() => {
                let times = u32::from(error.delivery() != Delivery::NotSent);
                (once(times), error.cause())
            }
            Err(error) => (error.tried().to_vec(), error.cause()),
        };
        let told = tried.into_iter().map(|it| it.with_cause(cause));
        self.0.push(told.collect());
    }

    /// The error that one of them ended with, with all places where the call was tried. Its own cause is told by it.
    pub(crate) fn told_by(self, error: CallError, own: usize) -> CallError {
        let all = self.0.into_iter().enumerate().flat_map(|(at, tried)| {
            let tried = tried.into_iter();
            tried.filter_map(move |it| match at == own {
                false => Some(it),
                true => (it.times > 0).then(|| Tried::new(it.server, it.times, it.took)),
            })
        });
        error.with_all_tried(all)
    }
}
