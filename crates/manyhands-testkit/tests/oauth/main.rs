//! The authorization server, the servers behind it and the server of secrets, as bytes on a wire.
//!
//! Sockets know no paused clock; each step has a limit of its own.

mod authorizations;
mod client;
mod failures;
mod protected;
mod scopes;
mod tokens;
mod vault;
