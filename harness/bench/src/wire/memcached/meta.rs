//! Memcached's meta commands: `mg`, `ms`, `md`, `ma`.
//!
//! Requests and answers are shorter than the classic ones, and memcached collects the answers to a
//! pipeline into few system calls.

use std::collections::VecDeque;
use std::io::Write;

use seawall_store::{Op, Reply};

use super::super::spare::Spare;
use super::super::{Wire, decimal, line, shown};
use super::{Asked, Awaited, is_error, strange, understand, until, value};

/// A connection that speaks the meta commands.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    /// What was asked and not answered.
    awaited: VecDeque<Awaited>,
    spare: Spare,
}

impl Wire for Meta {
    const NAME: &'static str = "meta";

    fn encode(&mut self, op: &Op, out: &mut Vec<u8>) -> Result<(), String> {
        let (key, asked) = understand(op)?;
        let verb: &[u8] = match asked {
            // To touch is to get without asking for anything.
            Asked::Get | Asked::Touch(_) => b"mg ",
            Asked::Set(..) => b"ms ",
            Asked::Delete => b"md ",
            Asked::Count(_) => b"ma ",
        };
        out.extend_from_slice(verb);
        out.extend_from_slice(key);
        match asked {
            Asked::Get => out.write_all(b" v\r\n"),
            Asked::Delete => out.write_all(b"\r\n"),
            Asked::Touch(seconds) => write!(out, " T{}\r\n", until(seconds)),
            // What is not there begins at 0, as in Redis: the first count makes it.
            Asked::Count(by) => write!(out, " v N0 J{by} D{by}\r\n"),
            Asked::Set(value, seconds) => match seconds {
                0 => write!(out, " {}\r\n", value.len()),
                _ => write!(out, " {} T{}\r\n", value.len(), until(seconds)),
            }
            .map(|()| {
                out.extend_from_slice(value);
                out.extend_from_slice(b"\r\n");
            }),
        }
        .expect("memory takes what is written");
        self.awaited.push_back(asked.awaited());
        Ok(())
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<Option<(Reply, usize)>, String> {
        let Some((text, mut used)) = line(bytes)? else {
            return Ok(None);
        };
        let Some(&awaited) = self.awaited.front() else {
            return Err(format!("answered what was not asked: {}", shown(bytes)));
        };
        let reply = match (awaited, text) {
            (_, error) if is_error(error) => Reply::Error(self.spare.text(error)),
            (Awaited::Get, b"EN") => Reply::Nil,
            (Awaited::Get | Awaited::Count, text) if text.starts_with(b"VA ") => {
                let len = text.split(|&byte| byte == b' ').nth(1).and_then(decimal);
                let Some((reply, end)) = value(bytes, used, len, b"\r\n", &mut self.spare)? else {
                    return Ok(None);
                };
                used = end;
                self.meant(awaited, reply).ok_or_else(|| strange(bytes))?
            }
            (Awaited::Set, b"HD") => Reply::Simple(self.spare.text(b"OK")),
            (Awaited::Delete | Awaited::Touch, b"HD") => Reply::Int(1),
            (Awaited::Delete, b"NF") | (Awaited::Touch, b"EN") => Reply::Int(0),
            (Awaited::Set, b"NS") | (Awaited::Count, b"NS" | b"NF") => {
                Reply::Error(self.spare.text(text))
            }
            _ => return Err(strange(bytes)),
        };
        self.awaited.pop_front();
        Ok(Some((reply, used)))
    }

    fn recycle(&mut self, reply: Reply) {
        self.spare.take(reply);
    }
}

impl Meta {
    /// A value as Redis would answer: that of a count is a number.
    fn meant(&mut self, awaited: Awaited, value: Reply) -> Option<Reply> {
        match (awaited, value) {
            (Awaited::Count, Reply::Bulk(text)) => {
                let number = decimal(&text).map(Reply::Int);
                self.spare.take(Reply::Bulk(text));
                number
            }
            (_, value) => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{exchange, refuses};
    use super::*;

    #[test]
    fn ops_in_meta_commands_and_answers_in_rediss() {
        let ok = Reply::Simple("OK".to_owned());
        let error = "CLIENT_ERROR bad data chunk";
        for (asked, sent, answer, reply) in [
            ("GET k", "mg k v\r\n", "EN\r\n", Reply::Nil),
            (
                "GET k",
                "mg k v\r\n",
                "VA 2\r\n\r\n\r\n",
                Reply::Bulk(b"\r\n".to_vec()),
            ),
            // Newer servers may say more of a value.
            (
                "GET k",
                "mg k v\r\n",
                "VA 1 f0 W\r\nx\r\n",
                Reply::Bulk(b"x".to_vec()),
            ),
            ("SET k abc", "ms k 3\r\nabc\r\n", "HD\r\n", ok.clone()),
            ("SET k abc EX 60", "ms k 3 T60\r\nabc\r\n", "HD\r\n", ok),
            (
                "SET k abc",
                "ms k 3\r\nabc\r\n",
                "NS\r\n",
                Reply::Error("NS".to_owned()),
            ),
            (
                "SETEX k 60 abc",
                "ms k 3 T60\r\nabc\r\n",
                &format!("{error}\r\n"),
                Reply::Error(error.to_owned()),
            ),
            ("DEL k", "md k\r\n", "HD\r\n", Reply::Int(1)),
            ("DEL k", "md k\r\n", "NF\r\n", Reply::Int(0)),
            ("EXPIRE k 9", "mg k T9\r\n", "HD\r\n", Reply::Int(1)),
            ("EXPIRE k 9", "mg k T9\r\n", "EN\r\n", Reply::Int(0)),
            (
                "INCR k",
                "ma k v N0 J1 D1\r\n",
                "VA 2\r\n17\r\n",
                Reply::Int(17),
            ),
            (
                "INCRBY k 5",
                "ma k v N0 J5 D5\r\n",
                "VA 2\r\n22\r\n",
                Reply::Int(22),
            ),
        ] {
            exchange::<Meta>(asked, sent, answer, &reply);
        }
    }

    #[test]
    fn junk_is_refused() {
        refuses::<Meta>(&[
            "VA 99999999999\r\n",
            "VA\r\n",
            "VA 1\r\nab\r\n",
            "HD\r\n",
            "END\r\n",
            "+PONG\r\n",
        ]);
        let mut wire = Meta::default();
        wire.encode(&super::super::tests::op("INCR k"), &mut Vec::new())
            .expect("a form");
        assert!(wire.decode(b"VA 1\r\nx\r\n").is_err(), "no number");
    }
}
