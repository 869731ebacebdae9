//! Memcached's parser, fed any bytes in any pieces.
//!
//! The one idea: how the bytes were cut must not show. Two bytes of the input choose the pieces and how
//! large an item may be; the rest is what the client sends. Whole and in pieces the requests must be the
//! same, each call goes on or waits for more, and a line that is not whole is not kept beyond its bound
//! unless it asks for keys.

use seawall_server::memcached::{Parser, Request};

const INPUT_BYTES_MAX: usize = 32 << 10;
/// The longest line that does not ask for keys.
const LINE_BYTES_MAX: usize = 2 << 10;

/// Checks one input.
///
/// # Panics
/// What the parser does depends on the cuts, or it stands still.
pub fn check(input: &[u8]) {
    let Some((&[cut, kind], bytes)) = input.split_first_chunk() else {
        return;
    };
    if bytes.len() > INPUT_BYTES_MAX {
        return;
    }
    let item_bytes_max = [1 << 20, 100, 0][usize::from(kind % 3)];
    let whole = understand([bytes], item_bytes_max);
    let pieces = bytes.chunks(usize::from(cut) + 1);
    assert_eq!(understand(pieces, item_bytes_max), whole, "in pieces");
    let single = bytes.chunks(1);
    assert_eq!(understand(single, item_bytes_max), whole, "byte by byte");
}

/// Feeds a parser as a connection does: what it did not use is shown again. The requests, as text.
fn understand<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    item_bytes_max: usize,
) -> Vec<String> {
    let mut parser = Parser::default();
    let mut kept = Vec::new();
    let mut requests = Vec::new();
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let (used, request) = parser.next(&kept, item_bytes_max);
            assert!(used <= kept.len(), "used more than there was");
            kept.drain(..used);
            let Some(request) = request else {
                if used == 0 {
                    break;
                }
                continue;
            };
            let is_last = matches!(request, Request::Refused(_) | Request::Quit);
            assert!(used > 0 || is_last, "{request:?} took nothing");
            requests.push(format!("{request:?}"));
            if is_last {
                return requests;
            }
        }
        let asks = |name: &str| kept.trim_ascii_start().starts_with(name.as_bytes());
        let may_be_long = ["get", "gat", "bget"].into_iter().any(asks);
        assert!(
            kept.contains(&b'\n') || kept.len() <= LINE_BYTES_MAX || may_be_long,
            "kept too much"
        );
    }
    requests
}
