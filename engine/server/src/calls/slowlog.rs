//! The slow log: the last calls that took long, with the beginning of their words.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use seawall_store::Millis;

use super::Spoken;
use crate::clients::Card;
use crate::command::Called;
use crate::command::secrets::{REDACTED, is_secret};
use crate::config::Settings;

/// Words of a call that are kept; the last then says how many there were more.
const WORDS_MAX: usize = 32;
/// Bytes of a word that are kept.
const WORD_BYTES_MAX: usize = 128;
/// Below so many microseconds calls of any kind may be slow, and above only those that are not fast.
const ALWAYS_KEPT_US: i64 = 1_000;

/// A call that took long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// Counts on from 0, also over `SLOWLOG RESET`.
    pub id: u64,
    /// When it was answered.
    pub at: Millis,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// Its words, cut.
    pub words: Vec<Vec<u8>>,
    /// The client's address.
    pub peer: String,
    /// The client's name.
    pub name: String,
}

#[derive(Debug, Default)]
struct Log {
    calls: VecDeque<Slow>,
    longest: usize,
    next_id: u64,
}

/// The last calls that took long.
#[derive(Debug)]
pub struct Slowlog {
    /// From how many microseconds on; negative: never.
    threshold_us: AtomicI64,
    log: Mutex<Log>,
}

impl Default for Slowlog {
    fn default() -> Slowlog {
        Slowlog {
            threshold_us: AtomicI64::new(-1),
            log: Mutex::default(),
        }
    }
}

impl Slowlog {
    /// Follows what the parameters say.
    pub fn follow(&self, settings: &Settings) {
        let threshold = settings.signed("slowlog-log-slower-than");
        self.threshold_us.store(threshold, Ordering::Relaxed);
        let mut log = self.lock();
        log.longest = settings.number("slowlog-max-len") as usize;
        let longest = log.longest;
        log.calls.truncate(longest);
    }

    /// Whether a call, of a fast command or another, may become slow by itself, so that its words must be kept.
    pub fn may_keep(&self, is_fast: bool) -> bool {
        let threshold = self.threshold_us.load(Ordering::Relaxed);
        threshold >= 0 && (threshold < ALWAYS_KEPT_US || !is_fast)
    }

    /// Whether a call that took so long is slow.
    pub fn is_slow(&self, took_us: u64) -> bool {
        let threshold = self.threshold_us.load(Ordering::Relaxed);
        u64::try_from(threshold).is_ok_and(|threshold| took_us >= threshold)
    }

    /// Keeps a call.
    pub fn add(&self, called: &Called, words: &Spoken<'_>, card: &Card, now: Millis, took_us: u64) {
        let slow = Slow {
            id: 0,
            at: now,
            took_us,
            words: shortened(called, words),
            peer: card.peer.clone(),
            name: card.names().name.clone(),
        };
        let mut log = self.lock();
        let id = log.next_id;
        log.next_id += 1;
        log.calls.push_front(Slow { id, ..slow });
        let longest = log.longest;
        log.calls.truncate(longest);
    }

    /// The last `count` of them, the last first.
    pub fn last(&self, count: usize) -> Vec<Slow> {
        self.lock().calls.iter().take(count).cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().calls.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets them.
    pub fn reset(&self) {
        self.lock().calls.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The words of a call as far as they are kept.
fn shortened(called: &Called, words: &Spoken<'_>) -> Vec<Vec<u8>> {
    if let Spoken::Storing(asked) = words {
        return shortened(called, &Spoken::Op(&asked.op()));
    }
    let (len, args): (usize, Vec<&[u8]>) = match words {
        Spoken::Op(op) => (op.len(), op.args().take(WORDS_MAX).collect()),
        Spoken::Words(words) => (words.len(), words.iter().take(WORDS_MAX).collect()),
        Spoken::One(word) => (1, vec![word]),
        Spoken::Brief(call) => (call.args().len(), call.args().to_vec()),
        Spoken::Retrieval(asked) => {
            let words: Vec<&[u8]> = asked.words().collect();
            (words.len(), words)
        }
        Spoken::Storing(_) => (0, Vec::new()),
    };
    let mut kept = vec![called.first_word().into_bytes()];
    kept.extend(args.iter().enumerate().map(|(at, word)| {
        if is_secret(called, &args, at) {
            return REDACTED.to_vec();
        }
        let mut kept = word[..word.len().min(WORD_BYTES_MAX)].to_vec();
        if word.len() > WORD_BYTES_MAX {
            let more = word.len() - WORD_BYTES_MAX;
            kept.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
        }
        kept
    }));
    if len + 1 > WORDS_MAX {
        kept.truncate(WORDS_MAX - 1);
        let more = len + 1 - kept.len();
        kept.push(format!("... ({more} more arguments)").into_bytes());
    }
    kept
}
