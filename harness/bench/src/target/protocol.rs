//! Which protocol a server is driven by, where it speaks several: `…:wire=meta`.
//!
//! It is part of the target's name and no setting, so that one comparison can hold a server once by each
//! of its protocols, and each row names its own.

use super::resp::Addressed;
use super::spawn::Spawned;
use super::{Run, Speaks};
use crate::drive;
use crate::wire::{Classic, Meta, Resp, Wire};

/// What separates a server from the protocol that it is to be driven by.
const MARK: &str = ":wire=";

/// A protocol, and the driver of each kind of target by it.
pub(super) struct Protocol {
    /// What follows [`MARK`].
    pub(super) name: &'static str,
    /// Whether it is one of Memcached's, whose port is another one where a server has both.
    pub(super) of_memcached: bool,
    /// Whether it has a form for an op; absent where it has one for all.
    pub(super) speaks: Option<Speaks>,
    /// Runs a cell on a server that is there already.
    pub(super) addressed: Run,
    /// Runs a cell on a server that is started for it.
    pub(super) spawned: Run,
}

pub(super) static RESP: Protocol = Protocol {
    name: Resp::NAME,
    of_memcached: false,
    speaks: None,
    addressed: drive::run::<Addressed<Resp>>,
    spawned: drive::run::<Spawned<Resp>>,
};

pub(super) static META: Protocol = Protocol {
    name: Meta::NAME,
    of_memcached: true,
    speaks: Some(|_, op| Meta::default().encode(op, &mut Vec::new())),
    addressed: drive::run::<Addressed<Meta>>,
    spawned: drive::run::<Spawned<Meta>>,
};

pub(super) static CLASSIC: Protocol = Protocol {
    name: Classic::NAME,
    of_memcached: true,
    speaks: Some(|_, op| Classic::default().encode(op, &mut Vec::new())),
    addressed: drive::run::<Addressed<Classic>>,
    spawned: drive::run::<Spawned<Classic>>,
};

impl Protocol {
    /// What stands before the mark in `which`, and the protocol after it: the first of `spoken` where there
    /// is no mark.
    ///
    /// # Errors
    /// Another one follows; says which there are.
    pub(super) fn choose<'a>(
        which: &'a str,
        spoken: &[&'static Protocol],
    ) -> Result<(&'a str, &'static Protocol), String> {
        let Some((place, name)) = which.rsplit_once(MARK) else {
            return Ok((which, spoken[0]));
        };
        let found = spoken.iter().find(|protocol| protocol.name == name);
        let names = || {
            let names: Vec<_> = spoken.iter().map(|protocol| protocol.name).collect();
            names.join(", ")
        };
        let unknown = || format!("unknown wire `{name}`, expected one of {}", names());
        Ok((place, found.ok_or_else(unknown)?))
    }
}

/// `which` without the protocol that it may name.
pub(super) fn place(which: &str) -> &str {
    which.rsplit_once(MARK).map_or(which, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_may_be_named_after_the_server() {
        let chosen = |which| {
            Protocol::choose(which, &[&META, &CLASSIC]).map(|(place, chosen)| (place, chosen.name))
        };
        assert_eq!(chosen("h:1"), Ok(("h:1", "meta")));
        assert_eq!(chosen("h:1:wire=classic"), Ok(("h:1", "classic")));
        assert_eq!(chosen("=/a:b:wire=meta"), Ok(("=/a:b", "meta")));
        for wrong in ["h:1:wire=resp", "h:1:wire=", "h:1:wire=meta "] {
            let why = chosen(wrong).expect_err(wrong);
            assert!(why.ends_with("expected one of meta, classic"), "{why}");
        }
        assert_eq!(place("h:1:wire=classic"), "h:1");
    }
}
