//! What copies without a leader tell each other.

use super::super::RequestId;
use super::versions::{Entry, Version};
use crate::codec::{Reader, Writer};
use seawall_store::Millis;

const ASK: u8 = 1;
const HAVE: u8 = 2;
const WRITE: u8 = 3;
const DONE: u8 = 4;
const FETCH: u8 = 5;
const VALUE: u8 = 6;
const ROOTS: u8 = 7;
const DIGEST: u8 = 8;
const WANT: u8 = 9;
const JOIN: u8 = 10;
const NOTHING: u8 = 11;
const STATE: u8 = 12;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// A request needs to know which version of its key the others have.
    Ask { id: RequestId, key: &'a [u8] },
    /// The version that this copy has.
    Have { id: RequestId, version: Version },
    /// What a write changed in `before`, which made `version` of it.
    Write {
        key: &'a [u8],
        version: Version,
        before: Version,
        effects: &'a [u8],
    },
    /// This version, or a later one, is in this copy.
    Done { key: &'a [u8], version: Version },
    /// What a key is, whole, is wanted.
    Fetch { key: &'a [u8] },
    /// What a key is.
    Value {
        key: &'a [u8],
        version: Version,
        value: &'a [u8],
    },
    /// What all versions of this copy come to, by bucket.
    Roots { roots: Vec<u64> },
    /// All that this copy has in the buckets in which the two differ.
    Digest { mask: u64, entries: Vec<Entry> },
    /// What these keys are is wanted.
    Want { keys: Vec<Vec<u8>> },
    /// A copy that has nothing asks for all.
    Join,
    /// Who was asked has nothing either.
    Nothing,
    /// All that a copy has.
    State {
        entries: Vec<Entry>,
        image: &'a [u8],
    },
}

fn write_version(writer: Writer, version: Version) -> Writer {
    writer.u64(version.at.0).u64(version.id.0)
}

fn read_version(reader: &mut Reader<'_>) -> Option<Version> {
    Some(Version {
        at: Millis(reader.u64()?),
        id: RequestId(reader.u64()?),
    })
}

fn write_entries(writer: Writer, entries: &[Entry]) -> Writer {
    entries.iter().fold(writer, |writer, (key, version)| {
        write_version(writer.string(key), *version)
    })
}

fn read_entry(reader: &mut Reader<'_>) -> Option<Entry> {
    Some((reader.string()?.to_vec(), read_version(reader)?))
}

/// As many things as there are until the end.
fn until_end<'a, T>(
    reader: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut all = Vec::new();
    while !reader.is_at_end() {
        all.push(read(reader)?);
    }
    Some(all)
}

impl<'a> Message<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let writer = match self {
            Message::Ask { id, key } => Writer::new(ASK).u64(id.0).string(key),
            Message::Have { id, version } => write_version(Writer::new(HAVE).u64(id.0), *version),
            Message::Write {
                key,
                version,
                before,
                effects,
            } => {
                let writer = write_version(Writer::new(WRITE).string(key), *version);
                write_version(writer, *before).rest(effects)
            }
            Message::Done { key, version } => {
                write_version(Writer::new(DONE).string(key), *version)
            }
            Message::Fetch { key } => Writer::new(FETCH).string(key),
            Message::Value {
                key,
                version,
                value,
            } => write_version(Writer::new(VALUE).string(key), *version).rest(value),
            Message::Roots { roots } => roots
                .iter()
                .fold(Writer::new(ROOTS), |writer, root| writer.u64(*root)),
            Message::Digest { mask, entries } => {
                write_entries(Writer::new(DIGEST).u64(*mask), entries)
            }
            Message::Want { keys } => keys
                .iter()
                .fold(Writer::new(WANT), |writer, key| writer.string(key)),
            Message::Join => Writer::new(JOIN),
            Message::Nothing => Writer::new(NOTHING),
            Message::State { entries, image } => {
                write_entries(Writer::new(STATE).string(image), entries)
            }
        };
        writer.finish()
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Option<Message<'a>> {
        let mut reader = Reader::new(bytes);
        let message = match reader.u8()? {
            ASK => Message::Ask {
                id: RequestId(reader.u64()?),
                key: reader.string()?,
            },
            HAVE => Message::Have {
                id: RequestId(reader.u64()?),
                version: read_version(&mut reader)?,
            },
            WRITE => Message::Write {
                key: reader.string()?,
                version: read_version(&mut reader)?,
                before: read_version(&mut reader)?,
                effects: reader.rest(),
            },
            DONE => Message::Done {
                key: reader.string()?,
                version: read_version(&mut reader)?,
            },
            FETCH => Message::Fetch {
                key: reader.string()?,
            },
            VALUE => Message::Value {
                key: reader.string()?,
                version: read_version(&mut reader)?,
                value: reader.rest(),
            },
            ROOTS => Message::Roots {
                roots: until_end(&mut reader, Reader::u64)?,
            },
            DIGEST => Message::Digest {
                mask: reader.u64()?,
                entries: until_end(&mut reader, read_entry)?,
            },
            WANT => Message::Want {
                keys: until_end(&mut reader, |reader| Some(reader.string()?.to_vec()))?,
            },
            JOIN => Message::Join,
            NOTHING => Message::Nothing,
            STATE => Message::State {
                image: reader.string()?,
                entries: until_end(&mut reader, read_entry)?,
            },
            _ => return None,
        };
        reader.end()?;
        Some(message)
    }
}

/// A version in words.
fn told(version: Version) -> String {
    if version == Version::FIRST {
        "the first".to_owned()
    } else {
        format!("{}:{}", version.at.0, version.id.0)
    }
}

/// A message in words.
pub(in super::super) fn describe(bytes: &[u8]) -> String {
    let Some(message) = Message::decode(bytes) else {
        return "a damaged message".to_owned();
    };
    let of = |key: &[u8], version| format!("{} {}", key.escape_ascii(), told(version));
    match message {
        Message::Ask { key, .. } => format!("ask {}", key.escape_ascii()),
        Message::Have { version, .. } => format!("have {}", told(version)),
        Message::Write {
            key,
            version,
            before,
            ..
        } => format!("write {} behind {}", of(key, version), told(before)),
        Message::Done { key, version } => format!("done {}", of(key, version)),
        Message::Fetch { key } => format!("fetch {}", key.escape_ascii()),
        Message::Value { key, version, .. } => format!("value {}", of(key, version)),
        Message::Roots { .. } => "roots".to_owned(),
        Message::Digest { mask, entries } => {
            let (buckets, keys) = (mask.count_ones(), entries.len());
            format!("digest, {buckets} buckets, {keys} keys")
        }
        Message::Want { keys } => format!("want {} keys", keys.len()),
        Message::Join => "join".to_owned(),
        Message::Nothing => "nothing".to_owned(),
        Message::State { entries, image } => {
            format!("state, {} keys, {} bytes", entries.len(), image.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_wire() {
        let (id, key) = (RequestId(9), &b"key"[..]);
        let version = Version { at: Millis(7), id };
        let before = Version::FIRST;
        let entries = vec![(b"k".to_vec(), version), (b"other".to_vec(), before)];
        for message in [
            Message::Ask { id, key },
            Message::Have { id, version },
            Message::Write {
                key,
                version,
                before,
                effects: b"effects",
            },
            Message::Done { key, version },
            Message::Fetch { key },
            Message::Value {
                key,
                version,
                value: b"value",
            },
            Message::Roots { roots: vec![1, 2] },
            Message::Digest {
                mask: 5,
                entries: entries.clone(),
            },
            Message::Want {
                keys: vec![b"k".to_vec(), b"other".to_vec()],
            },
            Message::Join,
            Message::Nothing,
            Message::State {
                entries,
                image: b"all",
            },
        ] {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes), Some(message));
            let cut = &bytes[..bytes.len().min(4)];
            assert!(bytes.len() <= 4 || Message::decode(cut).is_none());
        }
        assert_eq!(Message::decode(&[JOIN, 1]), None);
        assert_eq!(Message::decode(&[STATE + 1]), None);
    }
}
