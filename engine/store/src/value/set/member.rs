//! A member of a set: its bytes, or the integer whose decimal text they are.

use std::io::Write;

/// The longest decimal text of an integer of 64 bits.
const DECIMAL_BYTES_MAX: usize = 20;

/// A member as the set holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member<'a> {
    /// An integer: the member is its decimal text.
    Int(i64),
    /// Its bytes.
    Text(&'a [u8]),
}

impl Member<'_> {
    /// Shows the member's bytes.
    pub fn text<R>(self, show: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Member::Text(text) => show(text),
            Member::Int(n) => {
                let mut buffer = [0; DECIMAL_BYTES_MAX];
                let mut rest = buffer.as_mut_slice();
                write!(rest, "{n}").expect("the buffer holds any integer");
                let left = rest.len();
                show(&buffer[..DECIMAL_BYTES_MAX - left])
            }
        }
    }

    /// The member's bytes, owned.
    pub fn to_vec(self) -> Vec<u8> {
        self.text(<[u8]>::to_vec)
    }
}
