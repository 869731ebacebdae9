//! Where a server is: `HOST:PORT`, as a person writes it, and what it resolves to.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Port `port` of this machine.
    pub(crate) fn here(port: u16) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port,
        }
    }

    /// Reads `HOST:PORT`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// It is not of this form; says what is.
    pub(crate) fn parse(text: &str) -> Result<Address, String> {
        let wrong = || {
            format!("`{text}` is no address, expected HOST:PORT as in 127.0.0.1:6379 or [::1]:6379")
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|&port| port > 0);
        let (bare, v6) = match host.strip_prefix('[') {
            Some(rest) => (rest.strip_suffix(']').ok_or_else(wrong)?, true),
            None => (host, false),
        };
        let strange = |c: char| c.is_whitespace() || c.is_control() || "/@?#[]".contains(c);
        let right = match bare.parse::<IpAddr>() {
            Ok(ip) => ip.is_ipv6() == v6,
            Err(_) => !v6 && !bare.is_empty() && !bare.contains(strange) && !bare.contains(':'),
        };
        match port {
            Some(port) if right => Ok(Address {
                host: bare.to_owned(),
                port,
            }),
            _ => Err(wrong()),
        }
    }

    /// What it resolves to.
    ///
    /// # Errors
    /// There is no such host.
    pub(super) fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let found: Vec<SocketAddr> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| format!("{self}: {error}"))?
            .collect();
        if found.is_empty() {
            return Err(format!("{self}: the name resolves to no address"));
        }
        Ok(found)
    }

    /// Whether it is this machine.
    pub(super) fn is_here(&self) -> bool {
        self.resolve()
            .is_ok_and(|found| found.iter().all(|address| address.ip().is_loopback()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for text in ["127.0.0.1:6379", "[::1]:1", "localhost:65535", "a-b.c:80"] {
            assert_eq!(Address::parse(text).expect(text).to_string(), text);
        }
        assert!(Address::parse("127.0.0.1:6379").expect("one").is_here());
        for text in [
            "",
            ":",
            "host",
            "host:",
            ":6379",
            "host:0",
            "host:65536",
            "host:+1x",
            "::1:6379",
            "[::1]",
            "[host]:1",
            "[127.0.0.1]:1",
            "user@host:1",
            "host/1:1",
            "ho st:1",
        ] {
            let error = Address::parse(text).expect_err(text);
            assert!(error.contains("HOST:PORT"), "{error}");
        }
    }
}
