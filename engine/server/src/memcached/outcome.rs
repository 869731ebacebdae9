//! What a request came to, as memcached's statistics count it: told from the reply, since the store's
//! commands say no more than clients hear.

use seawall_store::command::Command;
use seawall_store::command::memcached as store;

/// What a request for an item came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was asked, or a refusal that has nothing to do with the item.
    Done,
    /// There was no item.
    Missed,
    /// There was one with another number than the client gave, or the other way round than `add` and its
    /// kind need it.
    Conflicting,
}

/// Commands that answer nothing, or not `VALUE`, where there is no item.
static READING: [&Command; 7] = [
    &store::GET,
    &store::GETS,
    &store::META_GET,
    &store::META_GET_TOUCH,
    &store::META_GET_CREATE,
    &store::GAT,
    &store::GATS,
];

impl Outcome {
    /// What the reply to a call of `command` tells.
    pub fn of(command: &'static Command, reply: &[u8]) -> Outcome {
        let begins = |status: &[u8]| {
            let rest = reply.strip_prefix(status);
            rest.is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'\r')))
        };
        if reply.is_empty() {
            let reads = READING.iter().any(|own| std::ptr::eq(*own, command));
            return if reads {
                Outcome::Missed
            } else {
                Outcome::Done
            };
        }
        if begins(b"EN") || begins(b"NF") || begins(b"NOT_FOUND") {
            Outcome::Missed
        } else if [b"EX".as_slice(), b"EXISTS", b"NS", b"NOT_STORED"]
            .into_iter()
            .any(begins)
        {
            Outcome::Conflicting
        } else {
            Outcome::Done
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_tell() {
        use Outcome::{Conflicting, Done, Missed};
        let cases: [(&'static Command, &str, Outcome); 10] = [
            (&store::GET, "", Missed),
            (&store::GET, "VALUE a 0 2\r\nEN\r\n", Done),
            (&store::META_GET, "EN\r\n", Missed),
            (&store::META_GET, "HD s2\r\n", Done),
            (&store::META_SET, "", Done),
            (&store::META_DELETE, "NF kx O1\r\n", Missed),
            (&store::DELETE, "NOT_FOUND\r\n", Missed),
            (&store::CAS, "EXISTS\r\n", Conflicting),
            (&store::META_SET, "EX k1\r\n", Conflicting),
            (&store::ADD, "NOT_STORED\r\n", Conflicting),
        ];
        for (command, reply, outcome) in cases {
            assert_eq!(Outcome::of(command, reply.as_bytes()), outcome, "{reply:?}");
        }
    }
}
