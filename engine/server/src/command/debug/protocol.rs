//! `DEBUG PROTOCOL type`: a value of each type of the protocol, for tests of clients.

use seawall_store::command::CommandError;
use seawall_store::reply::{Protocol, ReplyBuf};

/// The number that Redis answers.
#[expect(
    clippy::approx_constant,
    reason = "it is this number, not the ratio that it is near to"
)]
const DOUBLE: f64 = 3.141;

/// A number of more digits than 64 bits hold.
const BIG_NUMBER: &[u8] = b"1234567999999999999999999999999999999";

/// Answers with a value of this type.
///
/// # Errors
/// There is no such type, or not in the client's protocol.
pub(super) fn answer(reply: &mut ReplyBuf, kind: &[u8]) -> Result<(), CommandError> {
    let is_resp3 = reply.protocol() == Protocol::Resp3;
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double(DOUBLE),
        b"bignum" if is_resp3 => reply.encoded(&[b"(", BIG_NUMBER, b"\r\n"].concat()),
        b"bignum" => reply.bulk(BIG_NUMBER),
        b"null" => reply.nil(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|n| reply.int(n));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|n| reply.int(n));
        }
        b"map" => {
            reply.map(3);
            for n in 0..3 {
                reply.int(n);
                reply.boolean(n == 1);
            }
        }
        b"attrib" => {
            if is_resp3 {
                reply.encoded(b"|1\r\n");
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.int(90);
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" if is_resp3 => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.int(42);
            reply.bulk(b"Some real reply following the push reply");
        }
        b"push" => {
            return Err(CommandError::fixed(
                "ERR RESP2 is not supported by this command",
            ));
        }
        b"verbatim" => reply.verbatim(*b"txt", b"This is a verbatim\nstring"),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        _ => {
            return Err(CommandError::fixed(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}
