//! RESP2 (Redis protocol specification, <https://redis.io/docs/latest/develop/reference/protocol-spec/>).
//!
//! A reply is first walked over, which resumes where it stopped when bytes were missing, and built once
//! it is whole: so a long one is not looked at again for every packet of it. The commonest replies, which are
//! mostly whole when they are looked at, are taken without that.

use seawall_store::{Op, Reply};

use super::spare::Spare;
use super::{VALUE_BYTES_MAX, Wire, decimal, line, shown};

/// The most items of one array, and how deep they nest: far above what any op of ours asks for.
const ITEMS_MAX: usize = 1 << 20;
const DEPTH_MAX: usize = 8;

/// A connection's RESP2.
#[derive(Debug, Default)]
pub(crate) struct Resp {
    walk: Walk,
    spare: Spare,
}

/// How far the reply at the front was walked over.
#[derive(Debug, Default)]
struct Walk {
    /// Bytes that are known to be part of it.
    bytes: usize,
    /// Items that are still to come, by depth; empty before the first.
    open: Vec<usize>,
}

impl Wire for Resp {
    const NAME: &'static str = "resp";

    fn encode(&mut self, op: &Op, out: &mut Vec<u8>) -> Result<(), String> {
        command_into(out, op);
        Ok(())
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<Option<(Reply, usize)>, String> {
        if self.walk.open.is_empty()
            && let Some(whole) = simple(bytes, &mut self.spare)
        {
            return Ok(Some(whole));
        }
        if !self.walk.over(bytes)? {
            return Ok(None);
        }
        let len = std::mem::take(&mut self.walk.bytes);
        let mut rest = &bytes[..len];
        let reply = build(&mut rest, &mut self.spare)?;
        debug_assert!(rest.is_empty(), "walking and building agree");
        Ok(Some((reply, len)))
    }

    fn recycle(&mut self, reply: Reply) {
        self.spare.take(reply);
    }
}

/// Appends `op` as an array of bulk strings.
pub(super) fn command_into(out: &mut Vec<u8>, op: &Op) {
    out.reserve(op.encoded_bytes());
    length_into(out, b'*', op.len() + 1);
    let name = op.command().name.as_bytes();
    for word in std::iter::once(name).chain(op.args()) {
        length_into(out, b'$', word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// A line of a sign and a length: made for each word of each op, so without formatting.
fn length_into(out: &mut Vec<u8>, sign: u8, length: usize) {
    /// No `usize` has more digits.
    const DIGITS_MAX: usize = 20;
    let (mut digits, mut begin, mut left) = ([0; DIGITS_MAX], DIGITS_MAX, length);
    loop {
        begin -= 1;
        digits[begin] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.push(sign);
    out.extend_from_slice(&digits[begin..]);
    out.extend_from_slice(b"\r\n");
}

/// The reply at the front of `bytes` and its length, where it is whole and a value, a count or `OK`. `None` says
/// nothing: it is to be looked at closely.
fn simple(bytes: &[u8], spare: &mut Spare) -> Option<(Reply, usize)> {
    match bytes {
        [b'$', rest @ ..] => {
            let (len, digits) = short(rest)?;
            let begin = 1 + digits;
            let value = bytes.get(begin..begin + len as usize)?;
            let end = begin + value.len();
            let whole = bytes.get(end..end + 2)? == b"\r\n";
            whole.then(|| (Reply::Bulk(spare.copy(value)), end + 2))
        }
        [b':', rest @ ..] => {
            let (number, digits) = short(rest)?;
            Some((Reply::Int(i64::from(number)), 1 + digits))
        }
        [b'+', b'O', b'K', b'\r', b'\n', ..] => Some((Reply::Simple(spare.text(b"OK")), 5)),
        _ => None,
    }
}

/// A number of at most eight digits, and its length with the line's end.
fn short(text: &[u8]) -> Option<(u32, usize)> {
    const DIGITS_MAX: usize = 8;
    let mut number = 0;
    for (place, &byte) in text.iter().enumerate().take(DIGITS_MAX + 1) {
        match byte {
            b'0'..=b'9' if place < DIGITS_MAX => number = number * 10 + u32::from(byte - b'0'),
            b'\r' if place > 0 && text.get(place + 1) == Some(&b'\n') => {
                return Some((number, place + 2));
            }
            _ => return None,
        }
    }
    None
}

impl Walk {
    /// Goes on over `bytes`; whether the reply is whole.
    fn over(&mut self, bytes: &[u8]) -> Result<bool, String> {
        if self.open.is_empty() {
            self.open.push(1);
        }
        while let Some(left) = self.open.last_mut() {
            if *left == 0 {
                self.open.pop();
                continue;
            }
            let Some((head, head_bytes)) = head(&bytes[self.bytes..])? else {
                return Ok(false);
            };
            match head {
                Head::Bulk(len) => {
                    let end = self.bytes + head_bytes + len + 2;
                    let Some(mark) = bytes.get(end - 2..end) else {
                        return Ok(false);
                    };
                    if mark != b"\r\n" {
                        let text = shown(&bytes[self.bytes..]);
                        return Err(format!("sent a value longer than it said: {text}"));
                    }
                    *left -= 1;
                    self.bytes = end;
                }
                Head::Array(len) => {
                    *left -= 1;
                    if self.open.len() > DEPTH_MAX {
                        return Err(format!("sent arrays that are nested over {DEPTH_MAX} deep"));
                    }
                    self.open.push(len);
                    self.bytes += head_bytes;
                }
                Head::Simple(_) | Head::Error(_) | Head::Int(_) | Head::Nil => {
                    *left -= 1;
                    self.bytes += head_bytes;
                }
            }
        }
        Ok(true)
    }
}

/// A reply's first line.
enum Head<'a> {
    Simple(&'a [u8]),
    Error(&'a [u8]),
    Int(i64),
    Nil,
    Bulk(usize),
    Array(usize),
}

/// The first line and its length.
fn head(bytes: &[u8]) -> Result<Option<(Head<'_>, usize)>, String> {
    let Some(&kind) = bytes.first() else {
        return Ok(None);
    };
    let strange = || format!("sent what is no RESP: {}", shown(bytes));
    // A stranger who speaks something else is told by the first byte, not by a line that never ends.
    if !b"+-:$*".contains(&kind) {
        return Err(strange());
    }
    let Some((text, len)) = line(bytes)? else {
        return Ok(None);
    };
    let text = &text[1..];
    let length = |most: usize| {
        decimal::<usize>(text)
            .filter(|&length| length <= most)
            .ok_or_else(strange)
    };
    let head = match kind {
        b'+' => Head::Simple(text),
        b'-' => Head::Error(text),
        b':' => Head::Int(decimal(text).ok_or_else(strange)?),
        _ if text == b"-1" => Head::Nil,
        b'$' => Head::Bulk(length(VALUE_BYTES_MAX)?),
        _ => Head::Array(length(ITEMS_MAX)?),
    };
    Ok(Some((head, len)))
}

/// Builds the reply that `bytes` begin with, which were walked over, and takes it off them.
fn build(bytes: &mut &[u8], spare: &mut Spare) -> Result<Reply, String> {
    let (head, len) = head(bytes)?.expect("a whole reply was walked over");
    *bytes = &bytes[len..];
    Ok(match head {
        Head::Simple(text) => Reply::Simple(spare.text(text)),
        Head::Error(text) => Reply::Error(spare.text(text)),
        Head::Int(number) => Reply::Int(number),
        Head::Nil => Reply::Nil,
        Head::Bulk(len) => {
            let value = spare.copy(&bytes[..len]);
            *bytes = &bytes[len + 2..];
            Reply::Bulk(value)
        }
        Head::Array(len) => {
            let mut items = spare.list();
            for _ in 0..len {
                items.push(build(bytes, spare)?);
            }
            Reply::Array(items)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ops_are_sent_as_the_store_logs_them() {
        let long = "v".repeat(70_000);
        for words in [
            &["GET", "k"][..],
            &["SET", "k", &long],
            &["HSET", "", "0123456789", "\r\n"],
            &["FLUSHDB"],
        ] {
            let op = Op::parse(words.iter().map(|word| word.as_bytes())).expect("an op");
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            command_into(&mut ours, &op);
            seawall_store::ReplyBuf::command_into(&mut theirs, &op);
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn what_is_taken_at_once_is_what_a_close_look_gives() {
        for bytes in [
            &b"$0\r\n\r\n"[..],
            b"$3\r\na\r\n\r\n",
            b":17\r\n",
            b":99999999\r\n",
            b"+OK\r\n",
        ] {
            let mut spare = Spare::default();
            let (reply, len) = simple(bytes, &mut spare).expect("whole");
            assert_eq!(Some((reply, len)), Reply::parse(bytes));
            for end in 0..bytes.len() {
                assert_eq!(simple(&bytes[..end], &mut spare), None, "cut at {end}");
            }
        }
        for close in [
            &b"$-1\r\n"[..],
            b":-5\r\n",
            b":123456789\r\n",
            b"$\r\n\r\n",
            b"$1\r\nab\r\n",
            b"$1\n",
        ] {
            assert_eq!(simple(close, &mut Spare::default()), None, "{close:?}");
        }
    }

    fn encoded(reply: &Reply, out: &mut Vec<u8>) {
        match reply {
            Reply::Simple(text) => out.extend(format!("+{text}\r\n").bytes()),
            Reply::Error(text) => out.extend(format!("-{text}\r\n").bytes()),
            Reply::Int(number) => out.extend(format!(":{number}\r\n").bytes()),
            Reply::Nil => out.extend(b"$-1\r\n"),
            Reply::Bulk(value) => {
                out.extend(format!("${}\r\n", value.len()).bytes());
                out.extend(value);
                out.extend(b"\r\n");
            }
            Reply::Array(items) => {
                out.extend(format!("*{}\r\n", items.len()).bytes());
                for item in items {
                    encoded(item, out);
                }
            }
            other => unreachable!("RESP2 has no {other:?}"),
        }
    }

    fn replies() -> impl Strategy<Value = Reply> {
        let leaf = prop_oneof![
            "[a-zA-Z ]{0,20}".prop_map(Reply::Simple),
            "ERR [a-z ]{0,20}".prop_map(Reply::Error),
            any::<i64>().prop_map(Reply::Int),
            Just(Reply::Nil),
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(Reply::Bulk),
        ];
        leaf.prop_recursive(3, 20, 6, |item| {
            proptest::collection::vec(item, 0..6).prop_map(Reply::Array)
        })
    }

    proptest! {
        #[test]
        fn replies_come_out_as_they_went_in_however_they_are_cut(
            sent in proptest::collection::vec(replies(), 1..8),
            steps in proptest::collection::vec(1usize..50, 1..40),
        ) {
            let mut bytes = Vec::new();
            for reply in &sent {
                encoded(reply, &mut bytes);
            }
            let (mut wire, mut got, mut start, mut end) = (Resp::default(), Vec::new(), 0, 0);
            let mut steps = steps.iter().cycle();
            while got.len() < sent.len() {
                while let Some((reply, used)) = wire.decode(&bytes[start..end]).unwrap() {
                    start += used;
                    wire.recycle(reply.clone());
                    got.push(reply);
                }
                prop_assert!(end < bytes.len() || got.len() == sent.len());
                end = bytes.len().min(end + steps.next().unwrap());
            }
            prop_assert_eq!(got, sent);
            prop_assert_eq!(start, bytes.len());
        }

        #[test]
        fn junk_is_an_error_or_waits_and_never_panics(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut wire = Resp::default();
            for end in 0..=bytes.len() {
                match wire.decode(&bytes[..end]) {
                    Ok(None) => {}
                    Ok(Some(_)) | Err(_) => break,
                }
            }
        }
    }

    #[test]
    fn what_no_server_of_ours_says_is_refused_at_once() {
        for junk in [
            &b"HTTP/1.1 400"[..],
            b"$-2\r\n",
            b"$99999999999\r\n",
            b"*2000000\r\n",
            b":12x\r\n",
            b"$1\r\nab\r\n",
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ] {
            let error = Resp::default().decode(junk).expect_err("junk");
            assert!(error.starts_with("sent "), "{error}");
        }
        let endless = vec![b'+'; super::super::LINE_BYTES_MAX];
        assert!(Resp::default().decode(&endless).is_err());
    }
}
