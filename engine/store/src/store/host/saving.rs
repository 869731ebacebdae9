//! A save, as one shard takes part in it: a slice of a turn at a time, until its file and what its log had at the
//! beginning are durable.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{From, Host};
use crate::keyspace::Most;
use crate::snapshot::Meta;
use crate::store::config::StoreError;
use crate::store::link::Body;
use crate::store::ring::Waker;
use crate::store::save::{Course, Fate, Saved, Saves, Slip, Written};

/// Where a shard's snapshots go.
pub(in crate::store) struct Desk {
    /// The store's.
    pub(in crate::store) saves: Arc<Saves>,
    /// What they are of.
    pub(in crate::store) meta: Meta,
    /// What wakes the shard's worker.
    pub(in crate::store) waker: Arc<Waker>,
}

/// A save that is under way here.
pub(super) struct Saving {
    /// Who makes it: without them it is nobody's.
    by: From,
    course: Arc<Course>,
    slip: Arc<Slip>,
    written: Written,
    /// How often everything had been removed at once.
    clears: u64,
    /// How many bytes its log had at the beginning, since the store was made.
    log_bytes: u64,
    stage: Stage,
    /// Who is to hear of the next stage, and by which number.
    asked: Option<u64>,
}

impl Stage {
    /// Whether the save cannot count yet, since this shard has not said that its file is whole.
    fn is_early(&self) -> bool {
        matches!(self, Stage::Walking | Stage::Writing | Stage::Securing)
    }
}

impl Saving {
    /// Whether it is the save of this number.
    fn is(&self, number: u64) -> bool {
        self.course.number == number
    }
}

enum Stage {
    /// Keys are shown to the pen.
    Walking,
    /// The clerk has what is left.
    Writing,
    /// The log is to have on its disk what it had at the beginning.
    Securing,
    /// The manifest is being written.
    Publishing,
    /// What came of the last of them.
    Over(Option<StoreError>),
}

impl Host {
    /// Begins a save: what there is now is what it will have.
    pub(super) fn begin_save(&mut self, from: From, course: Arc<Course>) -> Result<(), StoreError> {
        let desk = self.desk.as_ref().ok_or(StoreError::NoFolderToSave)?;
        if self.saving.is_some() {
            return Err(StoreError::SaveGoesOn);
        }
        let written = Written {
            sequence: self.gate.appended(),
            log: self.gate.log_id(),
            ..Written::default()
        };
        let keyspace = self.shard.keyspace();
        // The walk is over what is in memory. A server lets nobody wait for this, but at its own end (`Store::is_loading`).
        let all = keyspace.load_rest();
        all.map_err(|error| StoreError::Refused(error.to_string()))?;
        // Keys that have expired by now, and that nobody met, are left out.
        keyspace.begin(self.held_at, 0, false);
        let mut meta = Meta {
            sequence: written.sequence,
            log: written.log,
            taken: course.taken,
            save: course.number,
            ..desk.meta.clone()
        };
        keyspace.describe(&mut meta);
        let slip = Slip::new(&desk.waker);
        let pen = desk.saves.pen(&course, &meta, Arc::clone(&slip));
        keyspace.capture(Box::new(pen));
        course.join(keyspace.len() as u64, keyspace.capture_bytes() as u64);
        let clears = keyspace.clears();
        self.gate.seal();
        self.saving = Some(Saving {
            by: from,
            course,
            slip,
            written,
            clears,
            log_bytes: self.log_before + self.gate.log_bytes().unwrap_or(0),
            stage: Stage::Walking,
            asked: None,
        });
        Ok(())
    }

    /// Somebody wants to hear, by this number, when its file is written and durable.
    pub(super) fn await_written(&mut self, from: From, number: u64, save: u64) {
        if let Some(saving) = self.saving.as_mut().filter(|saving| saving.is(save)) {
            saving.asked = Some(number);
        } else {
            let written = Box::new(Err(StoreError::SaveGivenUp));
            self.gate.say_now(from, number, Body::Written(written));
        }
    }

    /// Lets a save count, all of whose files are durable.
    pub(super) fn publish_save(&mut self, from: From, number: u64, saved: &Saved) {
        let saving = (self.saving.as_mut()).filter(|saving| saving.is(saved.number));
        let (Some(saving), Some(desk)) = (saving, &self.desk) else {
            return self.await_written(from, number, saved.number);
        };
        saving.stage = Stage::Publishing;
        saving.asked = Some(number);
        (desk.saves).publish(&saving.course, saved, Arc::clone(&saving.slip));
    }

    /// The save is over.
    pub(super) fn end_save(&mut self, save: u64, fate: Fate) {
        let Some(saving) = self.saving.take_if(|saving| saving.is(save)) else {
            return;
        };
        self.shard.keyspace().give_up_capture();
        match fate {
            Fate::Kept => {
                self.log_covered = saving.log_bytes;
                self.gate.trim(saving.written.sequence);
            }
            Fate::Dropped => self.drop_save(&saving),
            Fate::Unknown => {}
        }
    }

    /// Who made a save is gone, and it with them.
    pub(super) fn forget_save(&mut self, gone: Option<From>) {
        let is_gone = |saving: &mut Saving| gone.is_none_or(|gone| saving.by == gone);
        let Some(saving) = self.saving.take_if(is_gone) else {
            return;
        };
        saving.course.give_up();
        self.shard.keyspace().give_up_capture();
        // Once it was said to be whole, the manifest may name it.
        if saving.stage.is_early() {
            self.drop_save(&saving);
        }
    }

    fn drop_save(&self, saving: &Saving) {
        if let Some(desk) = &self.desk {
            let slip = Slip::new(&desk.waker);
            (desk.saves).drop_file(self.number, &saving.course, slip);
        }
    }

    /// Tells how much its log has behind what it goes on from.
    pub(super) fn tell_log_bytes(&self) {
        let Some(written) = self.gate.log_bytes() else {
            return;
        };
        let bytes = (self.log_before + written).saturating_sub(self.log_covered);
        // Relaxed: this host alone writes it, and it orders nothing.
        if self.seen.log_bytes.load(Ordering::Relaxed) != bytes {
            self.seen.log_bytes.store(bytes, Ordering::Relaxed);
        }
    }

    /// Tells when all keys are in memory, or never will be, since their file is damaged.
    pub(super) fn tell_loading(&mut self) {
        // Relaxed: this host alone writes it after the store is open, and it orders nothing.
        if self.seen.loading.load(Ordering::Relaxed) {
            let keyspace = self.shard.keyspace();
            let goes_on = keyspace.is_cold() && keyspace.damage().is_none();
            self.seen.loading.store(goes_on, Ordering::Relaxed);
        }
    }

    /// Goes on with a save, where one is under way and there is time for a slice.
    pub(super) fn go_on_saving(&mut self) {
        let (Some(saving), Some(desk)) = (&mut self.saving, &self.desk) else {
            return;
        };
        let keyspace = self.shard.keyspace();
        if saving.stage.is_early() && saving.clears != keyspace.clears() {
            saving.course.give_up();
        }
        if saving.stage.is_early() && saving.course.is_given_up() {
            keyspace.give_up_capture();
            // What the clerk has told says more than that it was given up.
            let why = saving.slip.take().and_then(Result::err);
            saving.stage = Stage::Over(Some(why.unwrap_or(StoreError::SaveGivenUp)));
        }
        if let Stage::Walking = saving.stage
            && keyspace.is_captured()
            && desk.saves.has_room(&desk.waker)
        {
            let most = if saving.course.is_hasty() {
                Most::HASTY
            } else {
                Most::TURN
            };
            let slice = keyspace.capture_slice(most);
            saving.course.pass(slice.keys);
            if slice.is_last {
                saving.stage = Stage::Writing;
            }
        }
        if let Stage::Writing = saving.stage
            && let Some(done) = saving.slip.take()
        {
            saving.stage = match done {
                // Since the look above somebody may have given it up, and others have then left their files.
                Ok(_) if saving.course.is_given_up() => Stage::Over(Some(StoreError::SaveGivenUp)),
                Ok(summary) => {
                    (saving.written.keys, saving.written.bytes) = (summary.keys, summary.bytes);
                    Stage::Securing
                }
                Err(error) => {
                    saving.course.give_up();
                    Stage::Over(Some(error))
                }
            };
        }
        if let Stage::Securing = saving.stage {
            match self.gate.secure(saving.written.sequence) {
                Ok(true) => saving.stage = Stage::Over(None),
                Ok(false) => {}
                Err(reason) => {
                    saving.course.give_up();
                    saving.stage = Stage::Over(Some(StoreError::NotDurable(reason)));
                }
            }
        }
        if let Stage::Publishing = saving.stage
            && let Some(done) = saving.slip.take()
        {
            saving.stage = Stage::Over(done.err());
        }
        if let Stage::Over(error) = &mut saving.stage
            && let Some(number) = saving.asked.take()
        {
            let written = error.take().map_or(Ok(saving.written), Err);
            let body = Body::Written(Box::new(written));
            self.gate.say_now(saving.by, number, body);
        }
    }

    /// Whether a save has something to do in a turn soon.
    pub(super) fn is_saving(&self) -> bool {
        let (Some(saving), Some(desk)) = (&self.saving, &self.desk) else {
            return false;
        };
        match &saving.stage {
            Stage::Walking => saving.course.is_given_up() || desk.saves.has_room(&desk.waker),
            Stage::Securing => true,
            // The clerk wakes the worker.
            Stage::Writing => saving.course.is_given_up(),
            Stage::Publishing | Stage::Over(_) => false,
        }
    }
}
