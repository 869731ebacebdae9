//! Keys as requests name them: bounded, and those of meta commands perhaps in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use seawall_store::Op;
use seawall_store::command::memcached::KEY_BYTES_MAX;

use super::line::BAD_FORMAT;

/// A key's word.
pub(super) fn key(word: &[u8]) -> Result<&[u8], &'static [u8]> {
    if word.len() > KEY_BYTES_MAX {
        return Err(BAD_FORMAT);
    }
    Ok(word)
}

/// The key of a meta command.
pub(super) struct MetaKey {
    /// What it means; empty where its text was not base64, though it should.
    pub(super) bytes: Vec<u8>,
    /// The letter `b` with the key's text, where that was base64; without it where it was not.
    letter_b: Option<Vec<u8>>,
}

impl MetaKey {
    /// Reads the word, which is base64 where the letter `b` says so. Whether that is so is told with what is
    /// wrong with the other letters, by who runs the command.
    pub(super) fn read(word: &[u8], letters: &[&[u8]]) -> MetaKey {
        if !letters.iter().any(|letter| letter.first() == Some(&b'b')) {
            return MetaKey {
                bytes: word.to_vec(),
                letter_b: None,
            };
        }
        let bytes = STANDARD.decode(word).unwrap_or_default();
        let text = if bytes.is_empty() { b"" } else { word };
        MetaKey {
            bytes,
            letter_b: Some([b"b".as_slice(), text].concat()),
        }
    }

    /// Adds the letters of a request to its op; `b` carries the key's text.
    pub(super) fn letters(&self, op: Op, words: &[&[u8]]) -> Op {
        words.iter().fold(op, |op, &word| match &self.letter_b {
            Some(encoded) if word.first() == Some(&b'b') => op.arg(encoded),
            _ => op.arg(word),
        })
    }
}
