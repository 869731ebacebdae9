//! What is pending: records that are framed, and that the device was not given yet.
//!
//! The one idea: small effects that follow each other are one record, so that they share a head and a checksum. The last
//! record stays *open* for them; its length and its check are filled in when it ends, before anybody sees the bytes.

use std::io;

use super::device::Device;
use super::frame::{self, Frame, Kind};
use crate::time::Millis;

/// An open record of so many bytes ends: what is read again holds one at a time, and what is torn is lost as a whole.
const OPEN_BYTES_MAX: usize = 64 << 10;

/// Framed records, each with the salt of the segment that they are meant for.
#[derive(Debug, Default)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    /// Where the last record begins, while it is open.
    open: Option<usize>,
    /// When the first record was appended.
    pub(super) since: Millis,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a whole record, with `before` in front of its payload.
    pub(super) fn append(&mut self, frame: &Frame<'_>, before: &[u8], salt: u32) {
        self.end(salt);
        frame.encode_behind(before, salt, &mut self.bytes);
    }

    /// Appends a record of `effects` that stays open.
    pub(super) fn open(&mut self, sequence: u64, effects: &[u8], salt: u32) {
        self.end(salt);
        self.open = Some(frame::begin(Kind::Effects, sequence, &mut self.bytes));
        self.bytes.extend_from_slice(effects);
    }

    /// Appends `effects` to the last record, where that is open and they find room; whether they did.
    #[inline]
    pub(super) fn extend(&mut self, effects: &[u8]) -> bool {
        let fits = |begin| self.bytes.len() - begin + effects.len() <= OPEN_BYTES_MAX;
        let finds_room = self.open.is_some_and(fits);
        if finds_room {
            self.bytes.extend_from_slice(effects);
        }
        finds_room
    }

    /// Gives all of it to `device`.
    pub(super) fn give(&mut self, device: &mut dyn Device, salt: u32) -> io::Result<()> {
        self.end(salt);
        device.write(&mut self.bytes)
    }

    /// Frames all of it anew, for a segment with another salt.
    pub(super) fn move_on(&mut self, salt: u32, next: u32) {
        self.end(salt);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let old = self.bytes.as_slice();
        let mut frames = frame::Frames::new(old, 0, old.len() as u64, salt);
        while let Ok(frame::Next::Frame(frame)) = frames.read() {
            frame.encode(next, &mut bytes);
        }
        let (len, before) = (bytes.len(), self.bytes.len());
        assert_eq!(len, before, "what was framed here reads back");
        self.bytes = bytes;
    }

    /// Ends the last record, where it is open.
    pub(super) fn end(&mut self, salt: u32) {
        if let Some(begin) = self.open.take() {
            frame::end(&mut self.bytes, begin, salt);
        }
    }
}
