//! Order: nobody sees a later write of a client without an earlier one, though the two are of different shards and
//! the client's worker waits for no answer between them.
//!
//! What its own shards are to hold a worker writes at once; what another worker owns is written when that comes to
//! it. The one idea: to be in the ring is to be written, where whoever could look has looked into the ring
//! before. Where the two workers of a store are all who look at it,
//!
//! - the caller publishes the earlier write before it begins the later one;
//! - the owner takes in what was published for its shards before it does anything of its own that may hang on what
//!   it has seen elsewhere: before what came from the network, and after a read of the other's shards or an answer
//!   of the other's ([`Core::catch_up`](super::core::Core::catch_up));
//! - the caller reads a key that it has an unanswered write of behind that write, for all its clients.
//!
//! So who sees the later write, by whatever way, sees the earlier one when it looks: it saw what was done after the
//! earlier one was published, and the ring was looked into after that.
//!
//! An earlier write that was taken in may have to wait, for a shard that stands still or a log that is behind. Whoever
//! asks the same shard then waits behind it, but for the one for whom the shard stands still. That one must not
//! find the later write on another shard that it comes to later. So a worker *announces* that a shard is to
//! stand still, takes in what was published, and only then lets it; and a caller that has published looks whether the
//! owner has announced: then it waits for the answer. As in falling asleep ([`ring`](super::ring)), of "published" and
//! "announced" one side sees the other's.
//!
//! A third worker, or a session on a thread of its own, could see the later write and then read the earlier one's key
//! where nobody has looked into the ring for it. Where there is one, and where a reply has to wait for the disk, a
//! client's writes on different shards wait for each other's answers.

use crossbeam_utils::CachePadded;

use super::worker::Worker;
use crate::sync::{AtomicBool, Ordering, fence};

/// Whether a shard of a worker stands still, or is about to.
#[derive(Debug)]
pub(super) struct Standing(CachePadded<AtomicBool>);

impl Standing {
    pub(super) fn new() -> Standing {
        Standing(CachePadded::new(AtomicBool::new(false)))
    }

    /// By its worker: a shard is about to stand still. What is published for it is to be taken in after this, and
    /// before it does.
    pub(super) fn announce(&self) {
        self.0.store(true, Ordering::Relaxed);
        // SeqCst: pairs with the fence in `is_announced`; of "announced" and "published" one side sees the other's.
        fence(Ordering::SeqCst);
    }

    /// By its worker: none stands still, and nothing waits.
    pub(super) fn end(&self) {
        // Relaxed: what waited was written before, and whoever looks for it asks this worker.
        self.0.store(false, Ordering::Relaxed);
    }

    /// By one who has just published something for the worker: whether that may have to wait. Otherwise it is written
    /// before any shard stands still.
    pub(super) fn is_announced(&self) -> bool {
        // SeqCst: pairs with the fence in `announce`.
        fence(Ordering::SeqCst);
        self.0.load(Ordering::Relaxed)
    }
}

/// How far a worker has looked into its rings.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Whether something was seen of other workers' since rings were last looked into: what is in them may have been
    /// before it.
    pub(super) has_seen: bool,
    /// Whether requests were taken in since the last turn, whose answers leave with the next.
    pub(super) owes_turn: bool,
    /// Whether it is announced that a shard stands still.
    pub(super) announced: bool,
}

impl Worker {
    /// Takes in all that others have asked of this worker's shards until now: to be called before it is done what came
    /// from outside, since that may hang on it.
    pub fn catch_up(&mut self) {
        let core = self.core.as_mut().expect("it is there until the drop");
        core.catch_up();
    }

    /// Whether writes of one client on different shards may be [sent](Worker::send) without waiting for each other's
    /// answers, mostly: whether they may now, [`Worker::keeps_order`] says.
    pub fn may_keep_order(&self) -> bool {
        self.session.caller.inner.orders_by_ring()
    }

    /// Whether everything that was sent until now is seen by others before what is sent from here on, so that a
    /// client's later write need not wait until its earlier ones are answered. It is not where there is a third
    /// who may look, where a reply waits for the disk, and while shards stand still.
    pub fn keeps_order(&mut self) -> bool {
        let core = self.core.as_mut().expect("it is there until the drop");
        self.session.caller.keeps_order(core)
    }
}
