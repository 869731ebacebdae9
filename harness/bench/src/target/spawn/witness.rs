//! A witness: one client beside those of the workload, which knows what was acknowledged to it.
//!
//! The one idea: it writes growing numbers, some keys by turns, so that the value that a key has after the server came
//! back says how far it got. What it did not get of what was acknowledged is lost, and the oldest of it was
//! acknowledged a known time before the end. One write a millisecond costs the server next to nothing and tells the time
//! of a loss to a millisecond; how many writes of the workload are lost follows from it and their rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::remote::{Address, Dialogue, Spoken};

/// Its keys: shards of a store are lost apart, so there are more than one.
const KEYS: u64 = 16;
/// Between two writes.
const PAUSE: Duration = Duration::from_millis(1);
/// The most writes that it remembers: hours of them.
const WRITES_MAX: usize = 10_000_000;
/// The longest that it may have heard nothing when the server ended: a witness that had fallen silent would have seen
/// no loss.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// A witness at work.
pub(super) struct Witness {
    leaves: Arc<AtomicBool>,
    thread: JoinHandle<Account>,
}

/// What was acknowledged to it.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// When; of number `n` at place `n - 1`.
    acked: Vec<Instant>,
}

/// What is gone of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loss {
    /// Writes that were acknowledged.
    pub(super) acked: u64,
    /// Of those, writes that are gone.
    pub(super) lost: u64,
    /// How long before the end the oldest of these was acknowledged.
    pub(super) age: Duration,
}

impl Witness {
    /// Begins to write, until it is called back or the server is gone.
    ///
    /// # Errors
    /// The server does not take it; in words for people.
    pub(super) fn begin<W: Spoken>(address: &Address) -> Result<Witness, String> {
        let mut dialogue = Dialogue::open(address)?;
        let address = address.clone();
        let leaves = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&leaves);
        let thread = std::thread::Builder::new().name("witness".to_owned());
        let thread = thread.spawn(move || {
            let mut account = Account::default();
            // Relaxed: joining the thread orders what it wrote.
            while !told.load(Ordering::Relaxed) && account.acked.len() < WRITES_MAX {
                let number = account.acked.len() as u64 + 1;
                if W::keep(&mut dialogue, &key(number % KEYS), number).is_ok() {
                    account.acked.push(Instant::now());
                } else if let Ok(open) = Dialogue::open(&address) {
                    // It refused this one, and may take the next.
                    dialogue = open;
                } else {
                    break;
                }
                std::thread::sleep(PAUSE);
            }
            account
        });
        let thread = thread.map_err(|error| format!("no thread for the witness: {error}"))?;
        Ok(Witness { leaves, thread })
    }

    /// What was acknowledged to it until the server was gone.
    ///
    /// # Errors
    /// It panicked.
    pub(super) fn end(self) -> Result<Account, String> {
        self.leaves.store(true, Ordering::Relaxed);
        let account = self.thread.join();
        account.map_err(|_| "the witness panicked".to_owned())
    }
}

impl Account {
    /// Leaves out what was acknowledged to it later than `at`.
    pub(super) fn end_at(&mut self, at: Instant) {
        self.acked.retain(|acked| *acked <= at);
    }

    /// Whether something was acknowledged to it until shortly before the server ended `at`.
    ///
    /// # Errors
    /// It was not; in words for people.
    pub(super) fn lasted(&self, at: Instant) -> Result<(), String> {
        let silence = self
            .acked
            .last()
            .map(|last| at.saturating_duration_since(*last));
        match silence {
            Some(silence) if silence <= SILENCE_MAX => Ok(()),
            Some(silence) => Err(format!(
                "nothing was acknowledged to the witness in the last {} ms: its account tells of no loss",
                silence.as_millis()
            )),
            None => Err("nothing was acknowledged to the witness".to_owned()),
        }
    }

    /// What is gone of it, as a server says that has come back; the one before ended `at`. Where it `evicts`, a key that
    /// is not there may have been evicted, and tells nothing, unless none is there.
    ///
    /// # Errors
    /// The server is gone or does not serve yet; in words for people.
    pub(super) fn settle<W: Spoken>(
        &self,
        dialogue: &mut Dialogue,
        at: Instant,
        evicts: bool,
    ) -> Result<Loss, String> {
        let mut kept = [None; KEYS as usize];
        for (number, kept) in kept.iter_mut().enumerate() {
            *kept = W::kept(dialogue, &key(number as u64))?;
        }
        let is_any = kept.iter().any(Option::is_some);
        let absent = if evicts && is_any { u64::MAX } else { 0 };
        Ok(self.beside(&kept.map(|kept| kept.unwrap_or(absent)), at))
    }

    fn beside(&self, kept: &[u64; KEYS as usize], at: Instant) -> Loss {
        let mut loss = Loss {
            acked: self.acked.len() as u64,
            ..Loss::default()
        };
        for (number, acked) in (1..).zip(&self.acked) {
            if kept[(number % KEYS) as usize] < number {
                loss.lost += 1;
                loss.age = loss.age.max(at.saturating_duration_since(*acked));
            }
        }
        loss
    }
}

fn key(number: u64) -> String {
    format!("seawall:witness:{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_did_not_get_is_lost_and_the_oldest_tells_the_age() {
        let begin = Instant::now();
        let ms = Duration::from_millis;
        let account = Account {
            acked: (1..=40).map(|n| begin + ms(n)).collect(),
        };
        let end = begin + ms(50);
        let mut kept = [0; KEYS as usize];
        (1..=40).for_each(|n| kept[(n % KEYS) as usize] = n);
        let whole = account.beside(&kept, end);
        assert_eq!((whole.lost, whole.age), (0, Duration::ZERO));
        // The last write of the key of 3, 19 and 35, and both last ones of that of 8, 24 and 40.
        kept[3] = 19;
        kept[8] = 8;
        let loss = account.beside(&kept, end);
        assert_eq!((loss.acked, loss.lost, loss.age), (40, 3, ms(26)));
        // One that was under way, and came through.
        kept[9] = 41;
        assert_eq!(account.beside(&kept, end), loss);
        let mut shorter = Account {
            acked: account.acked.clone(),
        };
        shorter.end_at(begin + ms(38));
        let loss = shorter.beside(&kept, begin + ms(38));
        assert_eq!((loss.acked, loss.lost, loss.age), (38, 2, ms(14)));
        let nothing = account.beside(&[0; KEYS as usize], end);
        assert_eq!((nothing.lost, nothing.age), (40, ms(49)));
    }
}
