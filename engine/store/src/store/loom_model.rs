//! Every interleaving of falling asleep with being woken, of two who take one claim, and of a write that is published
//! with a shard that is about to stand still, by loom:
//! `RUSTFLAGS="--cfg loom" cargo test --lib loom_`. What is modelled is the code that ships.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::claim::Claim;
use super::order::Standing;
use super::ring::{AWAKE, Asleep, PARKED};

/// Who is about to sleep sees what was published, or who published sees that it sleeps.
#[test]
fn loom_no_wake_up_is_lost() {
    loom::model(|| {
        let asleep = Arc::new(Asleep::new());
        let published = Arc::new(AtomicU32::new(0));
        let producer = {
            let (asleep, published) = (Arc::clone(&asleep), Arc::clone(&published));
            thread::spawn(move || {
                published.store(1, Ordering::Relaxed);
                asleep.rouse() != AWAKE
            })
        };
        let is_ready = || published.load(Ordering::Relaxed) == 1;
        let sleeps = asleep.begin(PARKED, is_ready);
        let was_woken = producer.join().unwrap();
        assert!(!sleeps || was_woken, "it sleeps, and nobody wakes it");
    });
}

/// Of two who publish at once, one wakes.
#[test]
fn loom_one_of_two_wakes() {
    loom::model(|| {
        let asleep = Arc::new(Asleep::new());
        assert!(asleep.begin(PARKED, || false));
        let other = {
            let asleep = Arc::clone(&asleep);
            thread::spawn(move || asleep.rouse() == PARKED)
        };
        let here = asleep.rouse() == PARKED;
        assert!(here ^ other.join().unwrap(), "one wakes, once");
    });
}

/// An op that waits on two shards is served by one of their owners, or given up.
#[test]
fn loom_a_claim_is_taken_once() {
    loom::model(|| {
        let claim = Arc::new(Claim::new());
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let claim = Arc::clone(&claim);
                thread::spawn(move || claim.take())
            })
            .collect();
        let mut taken = u32::from(claim.take());
        for taker in takers {
            taken += u32::from(taker.join().unwrap());
        }
        assert_eq!(taken, 1);
        assert!(claim.is_taken());
    });
}

/// Whoever lets a shard stand still and then sees a client's later write, on another shard, has taken in the earlier one
/// before.
#[test]
fn loom_who_stands_still_has_what_was_published_before() {
    loom::model(|| {
        let standing = Arc::new(Standing::new());
        let (earlier, later) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let caller = {
            let standing = Arc::clone(&standing);
            let (earlier, later) = (Arc::clone(&earlier), Arc::clone(&later));
            thread::spawn(move || {
                earlier.store(1, Ordering::Release);
                if !standing.is_announced() {
                    later.store(1, Ordering::Release);
                }
            })
        };
        standing.announce();
        let taken_in = earlier.load(Ordering::Acquire);
        let seen = later.load(Ordering::Acquire);
        assert!(taken_in == 1 || seen == 0, "it sees the later one alone");
        caller.join().unwrap();
    });
}
