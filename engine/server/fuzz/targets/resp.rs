//! The parser, fed any bytes in any pieces.
//!
//! The one idea: how the bytes were cut must not show. Two bytes of the input choose the pieces and the
//! client's bounds; the rest is what the client sends. Whole, in pieces, and encoded again, the commands
//! and the error must be the same, and what is held must stay within the bounds. What is read in one go
//! must be what the parser reads.

use seawall_server::resp::{Bounds, Heads, Known, Parsed, Parser, brief_call, whole, whole_get};
use seawall_store::Op;
use seawall_store::command::string::GET;

/// Beyond this a line may be refused or not according to where it is cut, as in Redis.
const INPUT_BYTES_MAX: usize = 32 << 10;

/// What became of the bytes.
#[derive(Debug, PartialEq)]
struct Understood {
    /// The words of each command, its name first, in lower case where it is known.
    commands: Vec<Vec<Vec<u8>>>,
    error: Option<String>,
}

/// Checks one input.
///
/// # Panics
/// What the parser does depends on the cuts, or breaks its bounds.
pub fn check(input: &[u8]) {
    let Some((&[cut, kind], bytes)) = input.split_first_chunk() else {
        return;
    };
    if bytes.len() > INPUT_BYTES_MAX {
        return;
    }
    let bounds = match kind % 3 {
        0 => bounds(512 << 20, 1 << 30, false),
        1 => bounds(512 << 20, 1 << 30, true),
        _ => bounds(100, 1000, false),
    };
    let whole = understand([bytes], bounds);
    let pieces = bytes.chunks(usize::from(cut) + 1);
    assert_eq!(understand(pieces, bounds), whole, "in pieces");
    let single = bytes.chunks(1);
    assert_eq!(understand(single, bounds), whole, "byte by byte");
    read_in_one_go(bytes, bounds);
    let again = understand(
        [&*encode(&whole.commands)],
        self::bounds(512 << 20, 1 << 30, false),
    );
    assert_eq!(again.commands, whole.commands, "encoded again");
    assert_eq!(again.error, None);
}

/// Checks what is read in one go against the parser, command by command.
fn read_in_one_go(mut bytes: &[u8], bounds: Bounds) {
    if bounds.stranger {
        // Nothing of such a client's is read so.
        return;
    }
    let (mut known, mut op) = (Known::default(), Op::new(&GET));
    let mut heads = Heads::default();
    while let Ok((used, Some(parsed))) = Parser::default().next(bytes, bounds) {
        let read = match &parsed {
            Parsed::Store(called, op) => Some((called.first_word(), op)),
            Parsed::Server(..) | Parsed::Unknown(..) => None,
        };
        if let Some((at_once, called)) = whole(bytes, bounds, &mut known, &mut op) {
            let at_once = (at_once, Some((called.first_word(), &op)));
            assert_eq!(at_once, (used, read.clone()), "in one go");
        }
        if let Some((name, key, at_once)) = whole_get(bytes)
            && key.len() <= bounds.bulk_bytes
            && at_once <= bounds.query_bytes
        {
            let name = String::from_utf8_lossy(name).into_owned();
            let get = Op::new(&GET).arg(key);
            assert_eq!(
                (at_once, Some((name, &get))),
                (used, read.clone()),
                "a GET in one go"
            );
        }
        // The heads that are remembered come and go with the calls of the input.
        if let Some((at_once, called, call)) = brief_call(bytes, bounds, &mut heads) {
            let words: Vec<&[u8]> = call.args().to_vec();
            let parsed: Option<(String, Vec<&[u8]>)> =
                read.map(|(name, op)| (name, op.args().collect()));
            let brief = (at_once, Some((called.first_word(), words)));
            assert_eq!(brief, (used, parsed), "a brief call");
        }
        bytes = &bytes[used..];
    }
    let there = whole(bytes, bounds, &mut known, &mut op);
    assert!(there.is_none(), "more in one go than there is");
}

fn bounds(bulk_bytes: usize, query_bytes: usize, stranger: bool) -> Bounds {
    Bounds {
        bulk_bytes,
        query_bytes,
        stranger,
    }
}

/// Feeds a parser as a connection does: what it did not use is shown again.
fn understand<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, bounds: Bounds) -> Understood {
    let mut parser = Parser::default();
    let mut kept = Vec::new();
    let mut commands = Vec::new();
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let (used, parsed) = match parser.next(&kept, bounds) {
                Ok(done) => done,
                Err(error) => {
                    let error = Some(error.to_string());
                    return Understood { commands, error };
                }
            };
            assert!(used <= kept.len(), "used more than there was");
            assert!(parser.held_bytes() <= bounds.query_bytes, "held too much");
            kept.drain(..used);
            match parsed {
                Some(parsed) => commands.push(words(&parsed)),
                None => break,
            }
        }
    }
    Understood {
        commands,
        error: None,
    }
}

fn words(parsed: &Parsed) -> Vec<Vec<u8>> {
    let named = |name: &[u8]| vec![name.to_vec()];
    match parsed {
        Parsed::Store(entry, op) => {
            let mut words = named(entry.name().as_bytes());
            words.extend(op.args().map(<[u8]>::to_vec));
            words
        }
        Parsed::Server(entry, args) => {
            let mut words = named(entry.name().as_bytes());
            words.extend(args.iter().map(<[u8]>::to_vec));
            words
        }
        Parsed::Unknown(name, args) => {
            let mut words = named(name);
            words.extend(args.iter().map(<[u8]>::to_vec));
            words
        }
    }
}

fn encode(commands: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for words in commands {
        bytes.extend(format!("*{}\r\n", words.len()).bytes());
        for word in words {
            bytes.extend(format!("${}\r\n", word.len()).bytes());
            bytes.extend_from_slice(word);
            bytes.extend(b"\r\n");
        }
    }
    bytes
}
