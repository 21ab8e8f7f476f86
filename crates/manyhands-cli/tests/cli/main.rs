//! The program as an impatient stranger meets it: started as a process, judged by what it prints, by its exit code,
//! and by what it leaves behind. Nothing here knows the inside of the program.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, as the tests themselves do"
)]

mod arguments;
#[cfg(unix)]
mod beside;
mod call;
mod clients;
mod config_file;
mod demo;
mod doctor;
mod editing;
mod embedding;
mod finding;
mod groups;
mod harness;
mod help;
mod http;
mod http_servers;
mod include;
mod lists;
mod logins;
mod metadata;
mod pins;
#[cfg(unix)]
mod processes;
mod redact;
mod rpc;
mod secrets;
mod serve;
#[cfg(unix)]
mod stdio_servers;
mod trust;
#[cfg(target_os = "linux")]
mod watch;
