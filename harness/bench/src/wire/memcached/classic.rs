//! Memcached's classic words: `get`, `set`, `delete`, `touch`, `incr`.

use std::collections::VecDeque;
use std::io::Write;

use seawall_store::{Op, Reply};

use super::super::spare::Spare;
use super::super::{Wire, decimal, line, shown};
use super::{Asked, Awaited, is_error, strange, understand, until, value};

/// What follows a value.
const TAIL: &[u8] = b"\r\nEND\r\n";

/// A connection that speaks the classic words.
#[derive(Debug, Default)]
pub(crate) struct Classic {
    /// What was asked and not answered.
    awaited: VecDeque<Awaited>,
    spare: Spare,
}

impl Wire for Classic {
    const NAME: &'static str = "classic";

    fn encode(&mut self, op: &Op, out: &mut Vec<u8>) -> Result<(), String> {
        let (key, asked) = understand(op)?;
        let verb: &[u8] = match asked {
            Asked::Get => b"get ",
            Asked::Set(..) => b"set ",
            Asked::Delete => b"delete ",
            Asked::Touch(_) => b"touch ",
            Asked::Count(_) => b"incr ",
        };
        out.extend_from_slice(verb);
        out.extend_from_slice(key);
        match asked {
            Asked::Get | Asked::Delete => Ok(()),
            Asked::Set(value, seconds) => write!(out, " 0 {} {}\r\n", until(seconds), value.len())
                .map(|()| out.extend_from_slice(value)),
            Asked::Touch(seconds) => write!(out, " {}", until(seconds)),
            Asked::Count(by) => write!(out, " {by}"),
        }
        .expect("memory takes what is written");
        out.extend_from_slice(b"\r\n");
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
            (Awaited::Get, b"END") => Reply::Nil,
            (Awaited::Get, text) if text.starts_with(b"VALUE ") => {
                let len = text.split(|&byte| byte == b' ').nth(3).and_then(decimal);
                let Some((reply, end)) = value(bytes, used, len, TAIL, &mut self.spare)? else {
                    return Ok(None);
                };
                used = end;
                reply
            }
            (Awaited::Set, b"STORED") => Reply::Simple(self.spare.text(b"OK")),
            (Awaited::Delete, b"DELETED") | (Awaited::Touch, b"TOUCHED") => Reply::Int(1),
            (Awaited::Delete | Awaited::Touch, b"NOT_FOUND") => Reply::Int(0),
            // Redis would begin at 0 here; the classic words count only what is there.
            (Awaited::Count, b"NOT_FOUND") => Reply::Error(self.spare.text(text)),
            (Awaited::Count, number) => Reply::Int(decimal(number).ok_or_else(|| strange(bytes))?),
            _ => return Err(strange(bytes)),
        };
        self.awaited.pop_front();
        Ok(Some((reply, used)))
    }

    fn recycle(&mut self, reply: Reply) {
        self.spare.take(reply);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{exchange, refuses};
    use super::*;

    #[test]
    fn ops_in_classic_words_and_answers_in_rediss() {
        let ok = Reply::Simple("OK".to_owned());
        let full = "SERVER_ERROR out of memory storing object";
        for (asked, sent, answer, reply) in [
            ("GET k", "get k\r\n", "END\r\n", Reply::Nil),
            (
                "GET k",
                "get k\r\n",
                "VALUE k 0 2\r\n\r\n\r\nEND\r\n",
                Reply::Bulk(b"\r\n".to_vec()),
            ),
            (
                "SET k abc",
                "set k 0 0 3\r\nabc\r\n",
                "STORED\r\n",
                ok.clone(),
            ),
            (
                "SET k abc EX 60",
                "set k 0 60 3\r\nabc\r\n",
                "STORED\r\n",
                ok,
            ),
            (
                "SETEX k 60 abc",
                "set k 0 60 3\r\nabc\r\n",
                &format!("{full}\r\n"),
                Reply::Error(full.to_owned()),
            ),
            ("DEL k", "delete k\r\n", "DELETED\r\n", Reply::Int(1)),
            ("DEL k", "delete k\r\n", "NOT_FOUND\r\n", Reply::Int(0)),
            ("EXPIRE k 9", "touch k 9\r\n", "TOUCHED\r\n", Reply::Int(1)),
            ("INCR k", "incr k 1\r\n", "17\r\n", Reply::Int(17)),
            ("INCRBY k 5", "incr k 5\r\n", "22\r\n", Reply::Int(22)),
        ] {
            exchange::<Classic>(asked, sent, answer, &reply);
        }
    }

    #[test]
    fn junk_is_refused() {
        refuses::<Classic>(&[
            "VALUE k 0 99999999999\r\n",
            "VALUE k 0\r\n",
            "VALUE k 0 1\r\nabEND\r\n__",
            "STORED\r\n",
            "EN\r\n",
            "+PONG\r\n",
        ]);
    }
}
