//! How the replies of parts become one, as bytes.

use crate::digest::Digest;
use crate::reply::ReplyBuf;
use crate::reply::element::{bulk, elements};
use crate::store::link::{Body, Bytes};

/// How the replies of parts become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    /// Their sum.
    Sum,
    /// Each key's reply at its place.
    Gather,
    /// One list after another.
    Join,
    /// All are `OK`.
    AllOk,
    /// Database by database, the sum of the digests, or nothing where no part has one.
    Digests,
}

impl Merge {
    /// One reply of those of parts. `places` are, part by part, those of its keys among all keys.
    pub(super) fn all(self, places: &[&[usize]], replies: &[Body]) -> Body {
        if let Some(error) = replies.iter().find_map(Body::refusal) {
            return Body::Reply(error.clone());
        }
        let replies = replies.iter().map(bytes_of);
        let mut merged = ReplyBuf::default();
        match self {
            Merge::AllOk => merged.ok(),
            Merge::Sum => merged.int(replies.map(int).sum()),
            Merge::Gather => {
                let count = places.iter().map(|places| places.len()).sum();
                let mut all: Vec<&[u8]> = vec![b""; count];
                for (places, reply) in places.iter().zip(replies) {
                    for (&place, element) in places.iter().zip(elements(reply)) {
                        all[place] = element;
                    }
                }
                merged.array(count);
                for element in all {
                    merged.encoded(element);
                }
            }
            Merge::Digests => {
                let sums = digests(replies);
                merged.array(sums.len());
                for sum in sums {
                    match sum {
                        Some(sum) => merged.bulk(sum.as_bytes()),
                        None => merged.nil(),
                    }
                }
            }
            Merge::Join => {
                let all: Vec<&[u8]> = replies.flat_map(elements).collect();
                merged.array(all.len());
                for element in all {
                    merged.encoded(element);
                }
            }
        }
        reply(&merged)
    }
}

/// Sums of digests by database, over parts.
fn digests<'a>(replies: impl Iterator<Item = &'a [u8]>) -> Vec<Option<Digest>> {
    let mut sums: Vec<Option<Digest>> = Vec::new();
    for reply in replies {
        let elements: Vec<&[u8]> = elements(reply).collect();
        sums.resize(elements.len().max(sums.len()), None);
        for (sum, element) in sums.iter_mut().zip(elements) {
            if let Some(digest) = bulk(element).and_then(Digest::from_bytes) {
                sum.get_or_insert_default().combine(&digest);
            }
        }
    }
    sums
}

/// A reply as an answer.
pub(super) fn reply(reply: &ReplyBuf) -> Body {
    Body::Reply(Bytes::from_slice(reply.as_bytes()))
}

/// The bytes of a reply; nothing where the answer is none.
pub(super) fn bytes_of(body: &Body) -> &[u8] {
    match body {
        Body::Reply(bytes) => bytes,
        _ => b"",
    }
}

fn int(reply: &[u8]) -> i64 {
    let text = reply
        .strip_prefix(b":")
        .and_then(|r| r.strip_suffix(b"\r\n"));
    text.and_then(crate::command::number::parse_int)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8]) -> Body {
        Body::Reply(Bytes::from_slice(bytes))
    }

    fn merged(merge: Merge, places: &[&[usize]], replies: &[&[u8]]) -> String {
        let replies: Vec<Body> = replies.iter().map(|bytes| body(bytes)).collect();
        let all = merge.all(places, &replies);
        String::from_utf8(bytes_of(&all).to_vec()).unwrap()
    }

    #[test]
    fn parts_become_one() {
        let gathered = merged(
            Merge::Gather,
            &[&[2, 0], &[1, 3]],
            &[b"*2\r\n$1\r\nc\r\n_\r\n", b"*2\r\n$-1\r\n$2\r\n\r\n\r\n"],
        );
        assert_eq!(gathered, "*4\r\n_\r\n$-1\r\n$1\r\nc\r\n$2\r\n\r\n\r\n");
        assert_eq!(merged(Merge::Sum, &[], &[b":2\r\n", b":40\r\n"]), ":42\r\n");
        assert_eq!(merged(Merge::AllOk, &[], &[b"+OK\r\n"]), "+OK\r\n");
        let joined = merged(Merge::Join, &[], &[b"*1\r\n$1\r\na\r\n", b"*0\r\n"]);
        assert_eq!(joined, "*1\r\n$1\r\na\r\n");
        let refused = merged(Merge::Sum, &[], &[b":1\r\n", b"-ERR no\r\n"]);
        assert_eq!(refused, "-ERR no\r\n");
    }
}
