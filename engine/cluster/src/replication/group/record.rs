//! What Raft must not forget: the hard state (term, vote, commit) and the entries, as records.
//!
//! ```text
//! u8 tag · u64 bytes of hard state (0: none) · hard state · then, per entry: u64 bytes · entry
//! ```

use protobuf::Message as _;
use raft::eraftpb::{Entry, HardState};
use raft::storage::MemStorage;

use crate::codec::{Reader, Writer};

const TAG: u8 = 1;

/// One record.
pub(super) fn encode(state: Option<&HardState>, entries: &[Entry]) -> Vec<u8> {
    let part = |writer: Writer, bytes: Vec<u8>| writer.u64(bytes.len() as u64).rest(&bytes);
    let state = state
        .and_then(|state| state.write_to_bytes().ok())
        .unwrap_or_default();
    let mut writer = part(Writer::new(TAG), state);
    for entry in entries {
        writer = part(writer, entry.write_to_bytes().unwrap_or_default());
    }
    writer.finish()
}

/// Writes into `storage` what the records say, up to the first that is damaged.
pub(super) fn recover(records: &[Vec<u8>], storage: &MemStorage) {
    let mut storage = storage.wl();
    let mut last = 0;
    for record in records {
        let Some((state, entries)) = decode(record) else {
            break;
        };
        // The storage panics at a gap.
        if entries
            .first()
            .is_some_and(|entry| entry.index == 0 || entry.index > last + 1)
            || storage.append(&entries).is_err()
        {
            break;
        }
        last = entries.last().map_or(last, |entry| entry.index);
        if let Some(state) = state {
            storage.set_hardstate(state);
        }
    }
    // A leader may learn that a majority has what its own disk does not have yet.
    let state = storage.mut_hard_state();
    state.commit = state.commit.min(last);
}

fn decode(record: &[u8]) -> Option<(Option<HardState>, Vec<Entry>)> {
    let mut reader = Reader::new(record);
    if reader.u8()? != TAG {
        return None;
    }
    let mut rest = reader.rest();
    let state = part(&mut rest)?;
    let state = match state {
        [] => None,
        bytes => Some(HardState::parse_from_bytes(bytes).ok()?),
    };
    let mut entries = Vec::new();
    while !rest.is_empty() {
        entries.push(Entry::parse_from_bytes(part(&mut rest)?).ok()?);
    }
    Some((state, entries))
}

fn part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut reader = Reader::new(bytes);
    let len = usize::try_from(reader.u64()?).ok()?;
    let (part, rest) = reader.rest().split_at_checked(len)?;
    *bytes = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_record_ends_recovery() {
        let mut state = HardState::default();
        state.set_term(3);
        let mut entry = Entry::default();
        (entry.index, entry.term) = (1, 3);
        let record = encode(Some(&state), &[entry.clone()]);
        assert_eq!(decode(&record), Some((Some(state), vec![entry])));
        assert_eq!(decode(&record[..record.len() - 1]), None);
    }
}
