//! Which pages of an arena are asked for before they are needed, and which are given back.
//!
//! The one idea: a huge page that comes with its first touch is the longest stall that there is, so an owner never
//! lets one come so. The populator is asked for those of the next chunks, as many as the shard opened of late; where
//! it is late nevertheless, small pages come, in whose place it then puts a huge one.

use std::sync::Arc;

use super::{Arena, CHUNK_BYTES, PAGE_BYTES, SMALL_STEP_BYTES, class_bytes};

/// So many chunks, at most, have pages before they are needed.
const AHEAD_MAX: usize = 8;

impl Arena {
    /// Half a second is over: so much of a hurry as in it is the shard in. Asks again for what was refused.
    pub fn lapse(&mut self) {
        self.opened_before = std::mem::take(&mut self.opened);
        for number in std::mem::take(&mut self.late) {
            let chunk = &self.chunks[number as usize];
            if chunk.live > 0 && !chunk.huge {
                self.ask_huge(number);
            }
        }
    }

    /// No memory is needed now: gives back what was asked for ahead.
    pub fn rest(&mut self) {
        let had = self.ahead.len();
        while self.ahead.pop_back_if(|asked| asked.is_done()).is_some() {
            let offset = (self.chunks.len() + self.ahead.len()) * CHUNK_BYTES;
            if offset + CHUNK_BYTES <= self.extents.floor() * PAGE_BYTES {
                // SAFETY: neither did a chunk begin there (it would have taken its part of `ahead`), nor do extents
                // reach so far down, so nobody refers to its bytes.
                unsafe { self.range.discard(offset, CHUNK_BYTES, true) };
            }
        }
        if self.ahead.len() < had
            && let Some(chunk) = self.chunks.get_mut(self.asker as usize)
        {
            // Not with the next block, lest a store that grows slowly asks and gives back all the time.
            let used = chunk.fresh as usize * class_bytes(chunk.class as usize);
            chunk.ask_at = (used + CHUNK_BYTES.saturating_sub(used) / 2) as u32 + 1;
        }
    }

    /// Asks for huge pages in a chunk that has none, in the place of small ones where those are quicker: now, or where
    /// the populator has too much to do, half a second later. Where there is none they come with the first touch, in
    /// all that is not in use yet.
    pub(super) fn ask_huge(&mut self, number: u32) {
        let offset = number as usize * CHUNK_BYTES;
        if let Some(populator) = &self.populator {
            let range = Arc::clone(&self.range);
            let asked = populator.ask(move || range.populate(offset, CHUNK_BYTES, true));
            if asked.is_none() {
                return self.late.push(number);
            }
        } else {
            let mut end = offset + CHUNK_BYTES;
            if !self.huge && number as usize + 1 == self.chunks.len() {
                self.huge = true;
                end = self.extents.floor() * PAGE_BYTES;
            }
            self.range.advise(offset, end - offset, true);
        }
        self.chunks[number as usize].huge = true;
    }

    /// So much of a chunk was handed out that pages for what comes next are asked for: those of the next chunks
    /// where it is of huge pages, else some more of its own.
    #[cold]
    pub(super) fn ask_ahead(&mut self, number: u32) {
        let chunk = &mut self.chunks[number as usize];
        chunk.ask_at = u32::MAX;
        let Some(populator) = &self.populator else {
            return;
        };
        if !chunk.huge {
            let begin = number as usize * CHUNK_BYTES;
            let used = chunk.fresh as usize * class_bytes(chunk.class as usize);
            let from = used.next_multiple_of(PAGE_BYTES).min(CHUNK_BYTES);
            let to = (from + SMALL_STEP_BYTES).min(CHUNK_BYTES);
            if to < CHUNK_BYTES {
                chunk.ask_at = (to - SMALL_STEP_BYTES / 8 * 7) as u32;
            }
            let range = Arc::clone(&self.range);
            populator.ask(move || range.populate(begin + from, to - from, false));
            return;
        }
        if let Some(&next) = self.empty.last() {
            if !self.chunks[next as usize].huge {
                self.ask_huge(next);
            }
            return;
        }
        self.asker = number;
        let depth = self.opened.max(self.opened_before).clamp(1, AHEAD_MAX);
        while self.ahead.len() < depth {
            let offset = (self.chunks.len() + self.ahead.len()) * CHUNK_BYTES;
            if offset + CHUNK_BYTES > self.extents.floor() * PAGE_BYTES {
                break;
            }
            let range = Arc::clone(&self.range);
            let job = move || range.populate(offset, CHUNK_BYTES, true);
            let Some(asked) = populator.ask(job) else {
                break;
            };
            self.ahead.push_back(asked);
        }
    }
}
