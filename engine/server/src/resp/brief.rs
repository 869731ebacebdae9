//! Brief calls that stand whole at the front of what came: commands that the store runs without an op, read
//! where they lie.
//!
//! A client that sends many writes each the same way: so what begins a call, up to its first argument, is compared
//! as a whole with what began one before. As `whole`, it decides nothing that the parser would decide otherwise.

use seawall_store::command::brief::{BRIEF_ARGS_MAX, Brief, BriefCall};

use super::Bounds;
use super::parser::{COMMAND_BYTES_MAX, WORD_BYTES};
use super::whole::Rest;
use crate::command::{Called, Runner, find};

/// What begins a call is no longer: `*3\r\n$6\r\nincrby\r\n`. Shorter than this no call is, since one has a key.
const HEAD_BYTES: usize = 16;
/// How many heads are remembered.
const HEADS: usize = 16;

/// What begins a call, as it was written.
#[derive(Clone, Copy)]
struct Head {
    /// Its bytes, and then zeros.
    bytes: u128,
    /// All bits of as many bytes as it has.
    mask: u128,
    len: usize,
    /// What it calls; `None`, where that is nothing brief.
    calls: Option<(Called, &'static Brief)>,
}

impl Head {
    /// Nothing begins with it.
    const NONE: Head = Head {
        bytes: u128::MAX,
        mask: 0,
        len: 0,
        calls: None,
    };

    /// Whether `bytes`, the first of what came, begin with it.
    #[inline]
    fn begins(&self, bytes: u128) -> bool {
        bytes & self.mask == self.bytes
    }

    /// The head of a call that stands at the front of `bytes`, where it is short enough for one.
    fn read(bytes: &[u8]) -> Option<Head> {
        let mut rest = Rest::new(bytes);
        let words = rest.number(b'*').filter(|&words| words > 1)?;
        let len = rest.number(b'$')?;
        let name = rest.word(len)?;
        let len = rest.at();
        let head = bytes.get(..len).filter(|_| len <= HEAD_BYTES)?;
        let (mut first, mut mask) = ([0; HEAD_BYTES], [0; HEAD_BYTES]);
        first[..len].copy_from_slice(head);
        mask[..len].fill(u8::MAX);
        let entry = find(name).filter(|entry| entry.subcommands().is_empty());
        let calls = entry.and_then(|entry| match entry.runner {
            Runner::Store(command) => {
                let brief = Brief::of(command, words - 1)?;
                Some((Called::new(entry, name), brief))
            }
            Runner::Server(_) => None,
        });
        Some(Head {
            bytes: u128::from_le_bytes(first),
            mask: u128::from_le_bytes(mask),
            len,
            calls,
        })
    }
}

/// The heads of calls that came lately.
pub struct Heads([Head; HEADS]);

impl Default for Heads {
    fn default() -> Heads {
        Heads([Head::NONE; HEADS])
    }
}

impl Heads {
    /// What the head that stands at the front of `bytes` calls, and how long it is.
    #[inline]
    fn find(&mut self, bytes: &[u8]) -> Option<(Called, &'static Brief, usize)> {
        let first = bytes.first_chunk::<HEAD_BYTES>()?;
        // The name's length and its first letters stand here.
        let mix = first[5] ^ first[8] ^ first[9] << 1 ^ first[10] << 2;
        let first = u128::from_le_bytes(*first);
        let head = &mut self.0[usize::from(mix) % HEADS];
        if !head.begins(first) {
            *head = Head::read(bytes)?;
        }
        let (called, brief) = head.calls?;
        Some((called, brief, head.len))
    }
}

/// A brief call that stands whole at the front of `bytes`: how many of them it takes, and how it was called.
#[inline]
pub fn brief_call<'a>(
    bytes: &'a [u8],
    bounds: Bounds,
    heads: &mut Heads,
) -> Option<(usize, Called, BriefCall<'a>)> {
    let (called, brief, begin) = heads.find(bytes)?;
    let mut rest = Rest::new(bytes);
    rest.pass(begin);
    let most = bounds.query_bytes.min(COMMAND_BYTES_MAX);
    let mut held = HEAD_BYTES + WORD_BYTES;
    let mut args: [&[u8]; BRIEF_ARGS_MAX] = [&[]; BRIEF_ARGS_MAX];
    for arg in &mut args[..brief.args] {
        let len = rest.number(b'$').filter(|&len| len <= bounds.bulk_bytes)?;
        held += len + WORD_BYTES;
        *arg = rest.word(len)?;
    }
    let call = BriefCall::new(brief, args);
    (held <= most).then_some((rest.at(), called, call))
}
