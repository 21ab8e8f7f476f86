//! Where requests for a login may go: encrypted but on this machine, and never to addresses that lie further inside than
//! the server that named them.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use tokio::time::timeout;

/// How long a name may take to be looked up.
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);

/// How far inside a network an address lies; the order matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Public,
    Private,
    Loopback,
    /// Never a place for an authorization server: link-local, metadata services, multicast.
    Nowhere,
}

impl Reach {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(ip) if ip.is_loopback() => Self::Loopback,
            IpAddr::V4(ip) if ip.is_private() => Self::Private,
            // Carrier-grade NAT, RFC 6598.
            IpAddr::V4(ip) if ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64 => Self::Private,
            IpAddr::V4(ip)
                if ip.is_link_local()
                    || ip.is_multicast()
                    || ip.is_broadcast()
                    || ip.octets()[0] == 0 =>
            {
                Self::Nowhere
            }
            IpAddr::V6(ip) if ip.is_loopback() => Self::Loopback,
            IpAddr::V6(ip) if ip.is_unique_local() => Self::Private,
            IpAddr::V6(ip)
                if ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified() =>
            {
                Self::Nowhere
            }
            _ => Self::Public,
        }
    }

    /// Whether something that lies here may send us there.
    fn allows(self, address: IpAddr) -> bool {
        let there = Self::of(address);
        there != Self::Nowhere && there <= self
    }
}

/// Why a request is not made at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum Forbidden {
    #[error("{0} would be asked unencrypted")]
    Unencrypted(String),
    #[error("{0} lies further inside the network than the server that named it")]
    Inside(String),
    #[error("it is no http or https URL")]
    NotHttp,
}

pub(super) fn check(url: &Url, resource: &Url, reach: Reach) -> Result<(), Forbidden> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let address = host_address(url);
    match url.scheme() {
        "https" => {}
        // The resource itself was checked by whoever configured it.
        "http"
            if address.is_some_and(|it| it.is_loopback()) || url.origin() == resource.origin() => {}
        "http" => return Err(Forbidden::Unencrypted(host)),
        _ => return Err(Forbidden::NotHttp),
    }
    match address {
        Some(address) if !reach.allows(address) => Err(Forbidden::Inside(host)),
        _ => Ok(()),
    }
}

/// The address that a URL names without a name.
pub(super) fn host_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let name = host.strip_suffix('.').unwrap_or(host);
    if name == "localhost" || name.ends_with(".localhost") {
        return Some(IpAddr::from([127, 0, 0, 1]));
    }
    name.trim_matches(['[', ']']).parse().ok()
}

/// How far inside the server itself lies. One whose name nobody here knows is reached through a proxy, from outside.
pub(super) async fn reach(resource: &Url) -> Reach {
    if let Some(address) = host_address(resource) {
        return Reach::of(address).min(Reach::Loopback);
    }
    let (Some(host), Some(port)) = (resource.host_str(), resource.port_or_known_default()) else {
        return Reach::Public;
    };
    match timeout(LOOKUP_LIMIT, lookup_host((host, port))).await {
        Ok(Ok(found)) => found
            .map(|it| Reach::of(it.ip()))
            .max()
            .unwrap_or(Reach::Public)
            .min(Reach::Loopback),
        _ => Reach::Public,
    }
}

/// Looks names up, and leaves out addresses that lie too far inside.
pub(super) struct Resolver(pub(super) Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = timeout(LOOKUP_LIMIT, lookup_host((name.as_str(), 0))).await??;
            let allowed: Vec<SocketAddr> = found.filter(|it| reach.allows(it.ip())).collect();
            if allowed.is_empty() {
                let forbidden = Forbidden::Inside(name.as_str().to_owned());
                return Err(Box::new(forbidden) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(url: &str, resource: &str, reach: Reach) -> bool {
        check(
            &Url::parse(url).unwrap(),
            &Url::parse(resource).unwrap(),
            reach,
        )
        .is_ok()
    }

    #[test]
    fn nobody_is_sent_further_inside_than_the_server_itself() {
        let public = "https://mcp.example/mcp";
        for (url, reach, allowed) in [
            ("https://login.example/token", Reach::Public, true),
            ("https://93.184.216.34/token", Reach::Public, true),
            ("https://10.0.0.9/token", Reach::Public, false),
            ("https://10.0.0.9/token", Reach::Private, true),
            ("https://100.64.0.1/token", Reach::Public, false),
            ("https://127.0.0.1/token", Reach::Private, false),
            ("https://localhost/token", Reach::Private, false),
            ("https://[::ffff:127.0.0.1]/token", Reach::Private, false),
            ("https://127.0.0.1/token", Reach::Loopback, true),
            ("https://169.254.169.254/latest", Reach::Loopback, false),
            ("https://[fe80::1]/", Reach::Loopback, false),
            ("https://[fd00::1]/", Reach::Public, false),
            ("https://0.0.0.0/", Reach::Loopback, false),
        ] {
            assert_eq!(checked(url, public, reach), allowed, "{url} from {reach:?}");
        }
    }

    #[test]
    fn nothing_is_sent_unencrypted_to_another_machine() {
        let loopback = "http://127.0.0.1:1/mcp";
        assert!(checked(
            "http://127.0.0.1:2/token",
            loopback,
            Reach::Loopback
        ));
        assert!(checked(
            "http://localhost:2/token",
            loopback,
            Reach::Loopback
        ));
        assert!(!checked(
            "http://login.example/token",
            loopback,
            Reach::Loopback
        ));
        assert!(!checked("file:///etc/passwd", loopback, Reach::Loopback));
        // Who allowed plain http for the server itself allowed it for its own login too.
        assert!(checked(
            "http://mcp.corp/token",
            "http://mcp.corp/mcp",
            Reach::Private
        ));
        assert!(!checked(
            "http://mcp.corp:81/token",
            "http://mcp.corp/mcp",
            Reach::Private
        ));
    }
}
