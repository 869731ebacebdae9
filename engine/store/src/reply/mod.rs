//! Replies: written as RESP bytes by handlers ([`ReplyBuf`], here), read back as [`Reply`] by callers
//! (`read`); [`element`] finds its way in them as bytes; [`quoted`] shows words to people.

pub mod element;
mod quoted;
mod read;

use crate::command::CommandError;
use crate::op::Op;

pub use quoted::quoted;
pub use read::Reply;
pub(crate) use read::parse_command;

/// The version of Redis's protocol that a reply is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// RESP2: what a connection speaks until `HELLO 3`.
    #[default]
    Resp2,
    /// RESP3.
    Resp3,
}

impl Protocol {
    /// Nothing, where a bulk string might be.
    pub fn nil(self) -> &'static [u8] {
        match self {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        }
    }
}

/// The bytes of replies, in order. What a protocol has no type for is written as Redis writes it there:
/// in RESP2 a map is a flat array and a double a bulk string.
#[derive(Clone, Debug, Default)]
pub struct ReplyBuf {
    bytes: Vec<u8>,
    protocol: Protocol,
}

impl ReplyBuf {
    /// Writes what follows in `protocol`.
    pub fn speak(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// What is being written in.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Appends replies that are encoded already.
    pub fn encoded(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What [`ReplyBuf::ok`] writes.
    pub const OK: &[u8] = b"+OK\r\n";

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.bytes.extend_from_slice(ReplyBuf::OK);
    }

    /// A simple string.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error, in Redis's words.
    pub fn error(&mut self, error: &CommandError) {
        self.line(b'-', error.to_string().as_bytes());
    }

    /// An integer.
    pub fn int(&mut self, n: i64) {
        self.number(b':', n);
    }

    /// A bulk string.
    pub fn bulk(&mut self, bytes: &[u8]) {
        bulk_into(&mut self.bytes, bytes);
    }

    /// A floating-point number with 17 significant digits; in RESP2 a bulk string.
    pub fn double(&mut self, x: f64) {
        let text = format_double(x);
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => self.line(b',', text.as_bytes()),
        }
    }

    /// A coordinate: up to 17 decimals and no exponent; in RESP2 a bulk string.
    pub fn coordinate(&mut self, x: f64) {
        let text = format_fixed(x);
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => self.line(b',', text.as_bytes()),
        }
    }

    /// Nothing, where a bulk string might be.
    pub fn nil(&mut self) {
        self.bytes.extend_from_slice(self.protocol.nil());
    }

    /// Nothing, where an array might be.
    pub fn nil_array(&mut self) {
        self.bytes.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// Yes or no; in RESP2 1 or 0.
    pub fn boolean(&mut self, yes: bool) {
        match self.protocol {
            Protocol::Resp2 => self.int(i64::from(yes)),
            Protocol::Resp3 => self.line(b'#', if yes { b"t" } else { b"f" }),
        }
    }

    /// Text for people, `txt` or `mkd` by `format`; in RESP2 a bulk string.
    pub fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.number(b'=', text.len() as i64 + 4);
                self.bytes.extend_from_slice(&format);
                self.bytes.push(b':');
                self.bytes.extend_from_slice(text);
                self.bytes.extend_from_slice(b"\r\n");
            }
        }
    }

    /// The head of a map of `len` pairs: each key is followed by its value.
    pub fn map(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len * 2),
            Protocol::Resp3 => self.number(b'%', len as i64),
        }
    }

    /// The head of a set of `len` replies; in RESP2 an array.
    pub fn set(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len),
            Protocol::Resp3 => self.number(b'~', len as i64),
        }
    }

    /// The head of what nobody asked for, `len` replies (published messages); in RESP2 an array.
    pub fn push(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len),
            Protocol::Resp3 => self.number(b'>', len as i64),
        }
    }

    /// The head of an array of `len` replies, which follow.
    pub fn array(&mut self, len: usize) {
        self.number(b'*', len as i64);
    }

    /// The head of an array of `len` pairs, each of which [`ReplyBuf::pair`] begins: arrays of two, but in
    /// RESP2 one flat array.
    pub fn pairs(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len * 2),
            Protocol::Resp3 => self.array(len),
        }
    }

    /// Begins a pair: two replies follow.
    pub fn pair(&mut self) {
        if self.protocol == Protocol::Resp3 {
            self.array(2);
        }
    }

    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Drops what was written after `len` bytes: a handler that fails takes its beginnings back.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// How many bytes were written.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends `op` to `bytes` as a client would send it: an array of bulk strings.
    pub fn command_into(bytes: &mut Vec<u8>, op: &Op) {
        ReplyBuf::words_into(bytes, op.command().name, op.args());
    }

    /// As [`ReplyBuf::command_into`], of the command called `name` and its arguments.
    #[inline]
    pub(crate) fn words_into<'a>(
        bytes: &mut Vec<u8>,
        name: &str,
        args: impl ExactSizeIterator<Item = &'a [u8]>,
    ) {
        number_into(bytes, b'*', args.len() as i64 + 1);
        bulk_into(bytes, name.as_bytes());
        args.for_each(|arg| bulk_into(bytes, arg));
    }

    fn number(&mut self, kind: u8, n: i64) {
        number_into(&mut self.bytes, kind, n);
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.bytes.push(kind);
        // A reply line ends at CR LF, so neither may stand inside.
        self.bytes.extend(
            text.iter()
                .map(|&b| if b == b'\r' || b == b'\n' { b' ' } else { b }),
        );
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// The longest head: its sign, `-9223372036854775808`, the line's end.
const HEAD_BYTES_MAX: usize = 23;

/// Writes a head to the front of `to`; how many bytes it has.
#[inline]
fn head_into(to: &mut [u8; HEAD_BYTES_MAX], kind: u8, n: i64) -> usize {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(n).as_bytes();
    let end = 1 + digits.len();
    to[0] = kind;
    to[1..end].copy_from_slice(digits);
    to[end..end + 2].copy_from_slice(b"\r\n");
    end + 2
}

/// Heads of fewer have three digits at most.
const SMALL: u64 = 1_000;

/// Heads of so many and more do not fit into eight bytes.
const MIDDLING: u64 = 100_000;

const DIGIT: u64 = b'0' as u64;

/// The head of a number whose digits stand in the lowest bytes of `shown`, the first in the lowest, and how many
/// of the bytes it has.
#[inline]
fn head_of(kind: u8, shown: u64, digits: usize) -> ([u8; 8], usize) {
    const LINE_END: u64 = u16::from_le_bytes(*b"\r\n") as u64;
    let word = u64::from(kind) | shown << 8 | LINE_END << (8 * (1 + digits));
    (word.to_le_bytes(), 1 + digits + 2)
}

/// The three digits of a number below 1,000, the first in the lowest byte.
#[inline]
fn three_digits(n: u64) -> u64 {
    (n / 100 + DIGIT) | (n / 10 % 10 + DIGIT) << 8 | (n % 10 + DIGIT) << 16
}

/// The head of a number of two or three digits: all that nearly every reply needs.
#[inline]
fn small_head(kind: u8, n: u64) -> ([u8; 8], usize) {
    let digits = 2 + usize::from(n >= 100);
    // Leading zeros are shifted out.
    head_of(kind, three_digits(n) >> (8 * (3 - digits)), digits)
}

/// The head of a number from [`SMALL`] to [`MIDDLING`]: most counters, and lengths of what is long.
#[inline]
fn middling_head(kind: u8, n: u64) -> ([u8; 8], usize) {
    let (high, is_five) = (n / SMALL, usize::from(n >= 10 * SMALL));
    let two = (high / 10 + DIGIT) | (high % 10 + DIGIT) << 8;
    let five = two | three_digits(n % SMALL) << 16;
    head_of(kind, five >> (8 * (1 - is_five)), 4 + is_five)
}

#[inline]
fn number_into(bytes: &mut Vec<u8>, kind: u8, n: i64) {
    if let Ok(n @ ..MIDDLING) = u64::try_from(n) {
        let (head, len) = if n < 10 {
            head_of(kind, n + DIGIT, 1)
        } else if n < SMALL {
            small_head(kind, n)
        } else {
            middling_head(kind, n)
        };
        // Eight bytes at once, of which the last are taken back: cheaper than a copy of so many as there are.
        let end = bytes.len() + len;
        bytes.extend_from_slice(&head);
        bytes.truncate(end);
        return;
    }
    let mut head = [0; HEAD_BYTES_MAX];
    let len = head_into(&mut head, kind, n);
    bytes.extend_from_slice(&head[..len]);
}

/// Appends an integer.
#[inline]
pub(crate) fn int_into(bytes: &mut Vec<u8>, n: i64) {
    number_into(bytes, b':', n);
}

/// Appends a bulk string.
#[inline]
pub(crate) fn bulk_into(bytes: &mut Vec<u8>, bulk: &[u8]) {
    // At once: the parts are short, and growing is looked at for each that is appended by itself.
    bytes.reserve(HEAD_BYTES_MAX + bulk.len() + 2);
    number_into(bytes, b'$', bulk.len() as i64);
    bytes.extend_from_slice(bulk);
    bytes.extend_from_slice(b"\r\n");
}

/// A double in the text that Redis 7.0 gives it in RESP2: C's `%.17g`.
pub fn format_double(x: f64) -> String {
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    // Integers are by far the most frequent scores, and quick to print as such.
    if x == x.trunc() && x.abs() < 1e17 && (x != 0.0 || x.is_sign_positive()) {
        return (x as i64).to_string();
    }
    let text = format!("{x:.16e}");
    let (mantissa, exponent) = text.split_once('e').expect("an exponent was asked for");
    let exponent: i32 = exponent.parse().expect("Rust prints a decimal exponent");
    if (-4..17).contains(&exponent) {
        return without_trailing_zeros(&without_exponent(mantissa, exponent)).to_owned();
    }
    // C prints exponents with a sign and at least two digits.
    let mantissa = without_trailing_zeros(mantissa);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A number in the text that Redis gives to coordinates and to sums of floats: up to 17 decimals and
/// no exponent.
pub fn format_fixed(x: f64) -> String {
    let text = format!("{x:.17}");
    match without_trailing_zeros(&text) {
        "-0" => "0",
        text => text,
    }
    .to_owned()
}

/// `mantissa`, which has one digit before its point, times ten to the power of `exponent`.
fn without_exponent(mantissa: &str, exponent: i32) -> String {
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits.replace('.', "")),
        None => ("", mantissa.replace('.', "")),
    };
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let (whole, part) = digits.split_at(exponent as usize + 1);
    format!("{sign}{whole}.{part}")
}

fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_a_sign_a_number_and_the_end_of_a_line() {
        let others = [
            i64::MIN,
            -1_000,
            -1,
            9_999,
            10_000,
            99_999,
            100_000,
            i64::MAX,
        ];
        let longer = (1_100..110_000).step_by(7);
        for n in (0..1_100).chain(longer).chain(others) {
            let mut bytes = b"+OK\r\n".to_vec();
            number_into(&mut bytes, b':', n);
            assert_eq!(bytes, format!("+OK\r\n:{n}\r\n").into_bytes());
        }
    }

    #[test]
    fn doubles_are_printed_as_c_prints_them() {
        for (x, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (-3.0, "-3"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (0.1, "0.10000000000000001"),
            (-0.5, "-0.5"),
            (3.0e-4, "0.00029999999999999997"),
            (9.5e-5, "9.5000000000000005e-05"),
            (1234.5678, "1234.5678"),
            (-99_999.999_999_999_99, "-99999.999999999985"),
            (4_503_599_627_370_495.5, "4503599627370495.5"),
            (1.5e300, "1.5000000000000001e+300"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(format_double(x), text);
        }
    }
}
