//! One file per command.

pub(crate) mod add;
pub(crate) mod auth;
pub(crate) mod call;
pub(crate) mod demo;
pub(crate) mod demo_server;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod find;
pub(crate) mod groups;
pub(crate) mod import;
pub(crate) mod install;
mod lint;
pub(crate) mod list;
pub(crate) mod pins;
pub(crate) mod remove;
pub(crate) mod serve;
pub(crate) mod servers;
mod suspicions;
pub(crate) mod trust;
pub(crate) mod watch;
