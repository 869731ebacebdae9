//! A profile: what requests take of a node's core, as `seawall calibrate` measures it.

use std::collections::BTreeMap;

use seawall_cluster::Nanos;
use seawall_store::Op;
use serde::{Deserialize, Serialize};

/// The profile that stands where a scenario names none.
const BUILT_IN: &str = include_str!("profile.toml");

/// The longest time of a request: a second.
const NS_MAX: u64 = 1_000_000_000;

/// Service times of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Whose times they are.
    pub about: String,
    /// What a request takes beside the store's own work, in ns: the system's network, parsing, the reply.
    pub transport_ns: u64,
    /// What a command takes of the store that is not listed below, in ns.
    pub other_ns: u64,
    /// By command, in small letters: what it takes of the store, in ns.
    pub store_ns: BTreeMap<String, u64>,
}

impl Profile {
    /// The profile that ships.
    pub(super) fn built_in() -> Profile {
        Profile::parse(BUILT_IN).unwrap_or_else(|error| panic!("profile.toml: {error}"))
    }

    /// A profile from TOML.
    ///
    /// # Errors
    /// Not TOML, another field, or a time beyond a second; in words.
    pub fn parse(text: &str) -> Result<Profile, String> {
        let profile: Profile = toml::from_str(text).map_err(|error| error.to_string())?;
        let times = profile.store_ns.values();
        let longest = times
            .chain([&profile.transport_ns, &profile.other_ns])
            .max();
        match longest {
            Some(&ns) if ns > NS_MAX => Err(format!(
                "a request takes {ns} ns; accepted are at most {NS_MAX}"
            )),
            _ => Ok(profile),
        }
    }

    /// As `seawall calibrate` writes it.
    ///
    /// # Panics
    /// Never: it is plain data.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("plain data")
    }

    /// What a request for `op` takes.
    pub(crate) fn takes(&self, op: &Op) -> Nanos {
        let store = self.store_ns.get(op.command().name);
        Nanos(self.transport_ns + store.unwrap_or(&self.other_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_is_a_profile_and_is_read_as_it_is_written() {
        let profile = Profile::built_in();
        assert!(profile.store_ns.contains_key("get"));
        assert_eq!(Profile::parse(&profile.to_toml()), Ok(profile));
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        for text in [
            "",
            "about = 'x'\ntransport_ns = -1\nother_ns = 1\n[store_ns]\n",
            "about = 'x'\ntransport_ns = 2000000000\nother_ns = 1\n[store_ns]\n",
            "about = 'x'\ntransport_ns = 1\nother_ns = 1\nstore = 3\n[store_ns]\n",
        ] {
            assert!(Profile::parse(text).is_err(), "{text}");
        }
    }
}
