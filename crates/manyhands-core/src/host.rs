//! Whose machine a URL's host is. No name is looked up here: what an answer says can change.

use std::net::IpAddr;

/// Whether a URL's host is this machine by its name alone: `localhost`, what is below it, and loopback addresses.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name == "localhost"
        || name.ends_with(".localhost")
        || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_addresses_of_this_machine_are_its_own() {
        for here in [
            "localhost",
            "localhost.",
            "a.localhost",
            "127.8.7.6",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_this_machine(here), "{here}");
        }
        for elsewhere in [
            "",
            "notlocalhost",
            "localhost.example.com",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
        ] {
            assert!(!is_this_machine(elsewhere), "{elsewhere}");
        }
    }
}
