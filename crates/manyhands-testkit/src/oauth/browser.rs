//! What a person does in a browser: opens a page, and is sent back to the application.

use std::io;

use crate::http::{Response, get};

/// A page as the browser got it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The status of HTTP.
    pub status: u16,
    /// The headers, by names in small letters.
    pub headers: Vec<(String, String)>,
    /// The text.
    pub body: String,
}

impl Page {
    /// The first header of this name, in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Opens an authorization URL, and returns where it sends the browser, without going there.
///
/// # Errors
/// Fails for pages that are not on this machine, that send nobody anywhere, or that take more than
/// ten seconds.
pub async fn visit(url: &str) -> io::Result<String> {
    location(&get(url, "").await?)
}

/// Opens an authorization URL as this person.
///
/// # Errors
/// As for [`visit`].
pub async fn visit_as(url: &str, person: &str) -> io::Result<String> {
    location(&get(url, &format!("cookie: person={person}\r\n")).await?)
}

/// Opens an authorization URL, goes where it sends the browser, and returns the page there.
///
/// # Errors
/// As for [`visit`], of both pages.
pub async fn visit_and_follow(url: &str) -> io::Result<Page> {
    fetch(&visit(url).await?).await
}

/// Gets any page of this machine, and follows nothing.
///
/// # Errors
/// Fails for pages that are not on this machine, or that take more than ten seconds.
pub async fn fetch(url: &str) -> io::Result<Page> {
    let response = get(url, "").await?;
    Ok(Page {
        status: response.status,
        headers: response.headers.0,
        body: String::from_utf8_lossy(&response.body).into_owned(),
    })
}

fn location(response: &Response) -> io::Result<String> {
    let location = response.headers.find("location");
    location.map(str::to_owned).ok_or_else(|| {
        let (status, body) = (response.status, String::from_utf8_lossy(&response.body));
        io::Error::other(format!("the page sends nobody anywhere: {status} {body}"))
    })
}
