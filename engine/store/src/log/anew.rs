//! Writing anew what may be in memory alone.
//!
//! A program that ended after a sync had failed leaves bytes that the kernel shows to whoever reads them and may
//! never write: it told of the failure once, and calls later syncs a success. Nothing tells such bytes from durable
//! ones, so whoever opens a log takes for durable what a mark vouches for, and what lies in sealed segments, and
//! nothing else. The rest is read once more and written into a file of its own, a segment that begins behind what is
//! known to be durable. It gets its name when it is durable itself, and the segment before it ends where it begins.
//!
//! What is read here is compared with nothing but its checks: the caller knows how many records there have to be,
//! since memory may be short between two reads, and a page that the kernel takes for written may go.

use std::io::{self, Read};

use super::frame::{Frames, Kind, Next};
use super::segment::{HEAD_BYTES, Head};
use crate::disk::DiskFile;

/// How much is written at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Writes the segment of `head` with the records from its first one to the one before `next`, which `from` has among
/// others; its length.
///
/// # Errors
/// What the disk says; that `from` does not have them all.
pub fn write<R: Read>(
    file: &impl DiskFile,
    head: &Head,
    next: u64,
    mut from: Frames<R>,
) -> io::Result<u64> {
    let mut bytes = head.encode().to_vec();
    debug_assert_eq!(bytes.len(), HEAD_BYTES);
    let (mut len, mut expected) = (0, head.first);
    while expected < next {
        let frame = match from.read()? {
            Next::Frame(frame) => frame,
            Next::End | Next::Broken(_) | Next::Unknown(_) => return Err(changed(expected)),
        };
        // Marks are of the file that they are in: of what was durable in it.
        if frame.kind == Kind::Mark || frame.sequence < expected {
            continue;
        }
        if frame.sequence > expected {
            return Err(changed(expected));
        }
        frame.encode(head.salt, &mut bytes);
        expected += 1;
        if bytes.len() >= CHUNK_BYTES {
            file.write_at(&bytes, len)?;
            len += bytes.len() as u64;
            bytes.clear();
        }
    }
    file.write_at(&bytes, len)?;
    Ok(len + bytes.len() as u64)
}

fn changed(sequence: u64) -> io::Error {
    let message = format!("record {sequence}, which was there, is not any more");
    io::Error::new(io::ErrorKind::InvalidData, message)
}
