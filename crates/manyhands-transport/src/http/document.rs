//! One text at a URL, read as a document: whoever answers there is no MCP server, and is not spoken to as one.

use std::time::Duration;

use reqwest::Method;
use tokio::time::timeout;

use super::failure::{HttpFailure, deepest};
use super::sender::Sender;
use super::settings::HttpSettings;
use crate::error::{ConnectErrorKind, OpenError};
use crate::explain;

/// The largest document, in bytes.
const MAX_DOCUMENT: usize = 1 << 20;
/// How long reading it may take.
const LIMIT: Duration = Duration::from_secs(30);

impl HttpSettings {
    /// Reads the text at the URL: 1 MiB at most, within 30 s.
    ///
    /// # Errors
    /// [`OpenError`] when the URL is refused, nobody answers in time, the answer is no success, or it is not a text of
    /// that size.
    pub async fn read_text(&self) -> Result<String, OpenError> {
        match timeout(LIMIT, self.read()).await {
            Ok(read) => read,
            Err(_) => Err(OpenError::new(
                ConnectErrorKind::TimedOut,
                format!("{} was not read within {LIMIT:?}", self.shown_url()),
            )
            .with_mend("try again in a while")),
        }
    }

    async fn read(&self) -> Result<String, OpenError> {
        let (url, sender) = (self.checked_url()?, Sender::new(self)?);
        let shown_url = self.shown_url();
        let mend = "check the URL, and that it leads to the text itself";
        let explained = |failure| explain::of_http(&failure, &shown_url).with_mend(mend);
        let request = sender.request(Method::GET, url).headers(self.header_map()?);
        let mut response = sender.send(request).await.map_err(explained)?;
        if !response.status().is_success() {
            let refusal = sender.refusal(response).await.0;
            return Err(explained(HttpFailure::Status(refusal)));
        }
        let mut text = Vec::new();
        let broken = |error: reqwest::Error| HttpFailure::Broken(deepest(&error));
        while let Some(part) = response.chunk().await.map_err(|it| explained(broken(it)))? {
            if text.len() + part.len() > MAX_DOCUMENT {
                let cause = "answered with more than 1 MiB";
                return Err(explained(HttpFailure::Content(cause.to_owned())));
            }
            text.extend_from_slice(&part);
        }
        let no_text = |_| explained(HttpFailure::Content("answered with no text".to_owned()));
        String::from_utf8(text).map_err(no_text)
    }
}
