//! Who sends a request, for budgets and turns: the holder of a key, or else an address. Nothing of
//! it is logged or stored.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use worker::Request;

/// The sender of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    name: String,
    network: Option<String>,
}

impl Caller {
    /// The sender of a request. `key` is the name of the API key that came with it, once it was
    /// checked.
    pub(crate) fn of(request: &Request, key: Option<&str>) -> Self {
        let address = request.headers().get("cf-connecting-ip").ok().flatten();
        key.map_or_else(|| Self::of_address(address.as_deref()), Self::of_key)
    }

    /// The holder of a key has budgets of their own, whatever the network.
    pub(crate) fn of_key(name: &str) -> Self {
        Self { name: format!("key {name}"), network: None }
    }

    /// An IPv6 address counts by its first half: whoever has one usually has all others of it.
    pub(crate) fn of_address(address: Option<&str>) -> Self {
        let address: Option<IpAddr> = address.and_then(|address| address.trim().parse().ok());
        let (name, network) = match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                (address.to_string(), Ipv4Addr::new(a, b, c, 0).to_string())
            }
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                let first = |d| Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string();
                (first(d), first(0))
            }
            None => ("unknown".into(), "unknown".into()),
        };
        Self { name, network: Some(network) }
    }

    /// What tells callers apart.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What callers of one network have in common: the first 48 bits of an IPv6 address, or 24 of
    /// an IPv4 address. None where that does not matter.
    pub(crate) fn network(&self) -> Option<&str> {
        self.network.as_deref()
    }

    /// Stands for the caller where the name must not be known.
    pub(crate) fn id(&self) -> CallerId {
        CallerId::of(&self.name)
    }
}

/// A hash of a caller's name, the same in all isolates of a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallerId(u64);

impl CallerId {
    /// The id of a name.
    pub(crate) fn of(name: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl fmt::Display for CallerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}", self.0)
    }
}

impl FromStr for CallerId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Caller {
        Caller::of_address(Some(address))
    }

    #[test]
    fn callers_are_told_apart_by_address_or_half_of_it() {
        assert_eq!(of("192.0.2.1").name(), "192.0.2.1");
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("not an address"), Caller::of_address(None));
        assert_ne!(Caller::of_key("192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn networks_are_wider_than_callers() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.200", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", true),
            ("2001:db8:1:2::1", "2001:db8:2:2::1", false),
        ] {
            assert_eq!(of(one).network() == of(other).network(), same, "{one}, {other}");
        }
        assert_eq!(Caller::of_key("a").network(), None);
    }

    #[test]
    fn ids_are_read_back_and_tell_no_names() {
        let id = of("192.0.2.1").id();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(!id.to_string().contains("192"));
        assert_ne!(id, of("192.0.2.2").id());
        for text in ["", "-1", "x", "10000000000000000"] {
            assert!(text.parse::<CallerId>().is_err(), "{text}");
        }
    }
}
