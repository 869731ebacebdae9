//! A client, and the three things that are shown of it: its script holds here, holds on the original,
//! and is not deceived.

use std::net::SocketAddr;

use crate::installed::Missing;
use crate::liar::Liar;
use crate::outcome::Outcome;
use crate::section::Section;
use crate::server::{Protocol, Server};

/// A client and its script.
pub struct Client {
    pub name: &'static str,
    /// Runs the script on a server, in a version of the protocol (0 where there are none).
    pub run: fn(SocketAddr, u8) -> Result<Outcome, Missing>,
    /// The versions that it speaks.
    pub protocols: &'static [u8],
    /// What it is driven through.
    pub sections: &'static [&'static [Section]],
}

impl Client {
    fn sections(&self) -> impl Iterator<Item = &'static Section> {
        self.sections.iter().copied().flatten()
    }

    fn protocol(&self) -> Protocol {
        match self.protocols {
            [0] => Protocol::Memcached,
            _ => Protocol::Redis,
        }
    }

    /// Runs the script everywhere.
    pub fn prove(&self) {
        for net in ["uring", "epoll"] {
            let server = Server::seawall(net);
            for version in self.protocols {
                match (self.run)(server.address(self.protocol()), *version) {
                    Ok(outcome) => self.must_hold(&outcome, &format!("{net}, RESP{version}")),
                    Err(missing) => return missing.skip(self.name),
                }
            }
            server.stop();
        }
        self.see_through();
        match Server::original(self.protocol()) {
            Ok(server) => {
                for version in self.protocols {
                    let outcome = (self.run)(server.address(self.protocol()), *version);
                    let outcome = outcome.expect("it ran before");
                    self.must_hold(&outcome, &format!("the original, RESP{version}"));
                }
            }
            Err(missing) => missing.skip(&format!("{} on the original", self.name)),
        }
    }

    fn must_hold(&self, outcome: &Outcome, place: &str) {
        let failures = outcome.failures(self.sections().map(|section| section.name));
        assert!(
            failures.is_empty(),
            "{} ({place}):\n{}",
            self.name,
            failures.join("\n")
        );
    }

    /// Behind the liar no section may hold.
    fn see_through(&self) {
        let server = Server::seawall("uring");
        let sections: Vec<&Section> = self.sections().collect();
        let liar = Liar::before(server.address(self.protocol()), &sections);
        for version in self.protocols {
            let outcome = (self.run)(liar.address(), *version).expect("it ran before");
            let names = sections.iter().map(|section| section.name);
            let deceived: Vec<&str> = names.filter(|name| outcome.held(name)).collect();
            assert!(
                deceived.is_empty(),
                "{} (RESP{version}) believes lies in {deceived:?}",
                self.name
            );
        }
    }
}
