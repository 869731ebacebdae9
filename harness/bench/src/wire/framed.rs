//! The framing of the target `limit`: a length in four bytes, then as many bytes.
//!
//! Requests hold what RESP would have sent, so that they are as long; a length in front of them is all
//! that a server needs to count them without looking inside.

use seawall_store::{Op, Reply};

use super::resp::command_into;
use super::spare::Spare;
use super::{LINE_BYTES_MAX, Wire, shown};

/// How many bytes the length takes.
pub(crate) const HEAD_BYTES: usize = 4;

/// A connection's frames.
#[derive(Debug, Default)]
pub(crate) struct Framed {
    spare: Spare,
}

/// The length that a frame begins with.
pub(crate) fn head(bytes: [u8; HEAD_BYTES]) -> usize {
    u32::from_le_bytes(bytes) as usize
}

/// A frame around what `fill` appends.
pub(crate) fn frame(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend_from_slice(&[0; HEAD_BYTES]);
    fill(out);
    let len = (out.len() - begin - HEAD_BYTES) as u32;
    out[begin..begin + HEAD_BYTES].copy_from_slice(&len.to_le_bytes());
}

impl Wire for Framed {
    const NAME: &'static str = "frames";

    fn encode(&mut self, op: &Op, out: &mut Vec<u8>) -> Result<(), String> {
        frame(out, |out| command_into(out, op));
        Ok(())
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<Option<(Reply, usize)>, String> {
        let Some((first, rest)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        let len = head(*first);
        // The server is our own, and its replies are short.
        if len > LINE_BYTES_MAX {
            return Err(format!("sent what is no frame: {}", shown(bytes)));
        }
        let reply = rest.get(..len).map(|reply| self.spare.copy(reply));
        Ok(reply.map(|reply| (Reply::Bulk(reply), HEAD_BYTES + len)))
    }

    fn recycle(&mut self, reply: Reply) {
        self.spare.take(reply);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in() {
        let (mut wire, mut out) = (Framed::default(), Vec::new());
        let op = Op::parse([&b"GET"[..], b"k"]).expect("an op");
        wire.encode(&op, &mut out).expect("all ops have a form");
        assert_eq!(&out[..4], &[20, 0, 0, 0]);
        assert_eq!(&out[4..], b"*2\r\n$3\r\nget\r\n$1\r\nk\r\n");
        for end in 0..out.len() {
            assert_eq!(wire.decode(&out[..end]), Ok(None), "cut at {end}");
        }
        let whole = Reply::Bulk(out[4..].to_vec());
        assert_eq!(wire.decode(&out), Ok(Some((whole, out.len()))));
        assert!(wire.decode(&[0xff; 8]).is_err());
    }
}
