//! Servers at a URL, over streamable HTTP or the event stream that came before it, on a pooled client.

pub(crate) mod client;
mod document;
mod exchange;
pub(crate) mod failure;
mod headers;
pub(crate) mod legacy;
mod sender;
mod settings;
mod sse;
pub(crate) mod standing;
pub(crate) mod tls;

pub use headers::check_header_annotations;
pub use settings::HttpSettings;
pub use tls::TlsSettings;
