//! Why no TLS connection was made, in words, and how far the request got.

use std::error::Error;
use std::time::{Duration, SystemTime};

use manyhands_core::{Delivery, Printable, clip};
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsError};

use crate::http::failure::shown;

/// Why no TLS connection was made.
#[derive(Debug)]
pub(crate) struct TlsFault {
    /// A clause whose subject is the server: "its certificate has expired".
    pub(crate) cause: String,
    pub(crate) mend: &'static str,
    pub(crate) delivery: Delivery,
}

impl TlsFault {
    /// What TLS says about an error; none where TLS is not at fault.
    pub(in crate::http) fn of(error: &reqwest::Error) -> Option<Self> {
        let fault = beneath(error)?;
        let of_certificate = matches!(fault, TlsError::AlertReceived(alert) if about_us(*alert));
        let delivery = match (error.is_connect(), of_certificate) {
            (true, _) => Delivery::NotSent,
            // Since TLS 1.3 a server turns our certificate away after we took the handshake as done.
            (false, true) => Delivery::Rejected,
            (false, false) => Delivery::Unknown,
        };
        let (cause, mend) = told(fault);
        Some(Self {
            cause,
            mend,
            delivery,
        })
    }
}

/// The error of TLS somewhere under an error.
pub(super) fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    /// No chain of errors is that long.
    const MAX_DEPTH: usize = 16;
    let mut inner: &'a (dyn Error + 'static) = error;
    for _ in 0..MAX_DEPTH {
        if let Some(found) = inner.downcast_ref::<TlsError>() {
            return Some(found);
        }
        // What an I/O error wraps is not its source, but the wrapped error's source is.
        let wrapped = inner
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        inner = match wrapped {
            Some(wrapped) => wrapped,
            None => inner.source()?,
        };
    }
    None
}

/// Whether a server's alert is about the certificate that we show, or do not.
fn about_us(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
    )
}

fn told(fault: &TlsError) -> (String, &'static str) {
    const OURS: &str = "name a certificate that it accepts in `manyhands.tls.cert`, and its key in `manyhands.tls.key`";
    match fault {
        TlsError::InvalidCertificate(why) => of_certificate(why),
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate,
        ) => (
            "it wants a certificate of ours, and got none".to_owned(),
            OURS,
        ),
        TlsError::AlertReceived(alert) if about_us(*alert) => (
            format!("it does not accept our certificate ({alert:?})"),
            OURS,
        ),
        TlsError::InvalidMessage(_) => (
            "what answers there does not speak TLS".to_owned(),
            "check the port, and whether the server speaks https at all",
        ),
        other => (
            format!("TLS failed ({})", shown(&other.to_string())),
            "look at the server's TLS settings and its log",
        ),
    }
}

fn of_certificate(why: &CertificateError) -> (String, &'static str) {
    const RENEW: &str = "have the server's certificate renewed, and check this machine's clock";
    match why {
        CertificateError::ExpiredContext { not_after, .. } => {
            let when = date(*not_after);
            (format!("its certificate expired on {when}"), RENEW)
        }
        CertificateError::Expired => ("its certificate has expired".to_owned(), RENEW),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let when = date(*not_before);
            (format!("its certificate is valid only from {when}"), RENEW)
        }
        CertificateError::NotValidYet => ("its certificate is not valid yet".to_owned(), RENEW),
        CertificateError::UnknownIssuer => (
            "its certificate comes from an authority that is not trusted here".to_owned(),
            "if it is your own, name that authority's certificate in `manyhands.tls.ca`",
        ),
        CertificateError::BadSignature => (
            "its certificate was signed by another authority of the same name as one that is trusted here".to_owned(),
            "name that authority's present certificate in `manyhands.tls.ca`",
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => (
            format!(
                "its certificate is not for {}, only for {}",
                expected.to_str(),
                names(presented)
            ),
            "use a name that is in the certificate, or have a certificate made for this one",
        ),
        other => (
            format!(
                "its certificate cannot be trusted ({})",
                shown(&other.to_string())
            ),
            "have the server's certificate replaced",
        ),
    }
}

/// The names in a certificate, which are a stranger's words: `DnsName("a.example")`.
fn names(presented: &[String]) -> String {
    const MAX_NAMES: usize = 5;
    let bare = presented.iter().map(|name| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        let inner = inner.trim_end_matches(')').trim_matches('"');
        Printable(&clip(inner, 80)).to_string()
    });
    let shown: Vec<String> = bare.take(MAX_NAMES).collect();
    match presented.len() {
        0 => "no name at all".to_owned(),
        n if n > MAX_NAMES => format!("{} and others", shown.join(", ")),
        _ => shown.join(", "),
    }
}

fn date(time: UnixTime) -> String {
    /// What is printed as a date ends with the year 9999.
    const LAST: u64 = 253_402_300_799;
    let when = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    match when.filter(|_| time.as_secs() <= LAST) {
        Some(when) => httpdate::fmt_http_date(when),
        None => "a day that nobody will see".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_in_a_certificate_are_shown_bare_printable_and_few() {
        let found = |names: &[&str]| {
            let owned: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            super::names(&owned)
        };
        assert_eq!(found(&[]), "no name at all");
        assert_eq!(
            found(&["DnsName(\"a.example\")", "IpAddress(127.0.0.1)"]),
            "a.example, 127.0.0.1"
        );
        assert_eq!(found(&["x\u{1b}[31m"]), "x\\u{1b}[31m");
        assert_eq!(found(&["a"; 9]), "a, a, a, a, a and others");
    }

    #[test]
    fn a_date_is_readable_and_never_a_panic() {
        let at = |seconds| date(UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        assert_eq!(at(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        for late in [253_402_300_800, u64::MAX] {
            assert_eq!(at(late), "a day that nobody will see");
        }
    }
}
