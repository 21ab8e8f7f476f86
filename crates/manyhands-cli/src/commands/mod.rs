//! One file per command.

pub(crate) mod auth;
pub(crate) mod call;
pub(crate) mod demo;
pub(crate) mod demo_server;
pub(crate) mod doctor;
pub(crate) mod list;
pub(crate) mod serve;
pub(crate) mod trust;
