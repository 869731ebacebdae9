//! The words of a command that is not the store's: owned, in one allocation.

use std::ops::Index;

use smallvec::SmallVec;

/// A command's arguments, the name not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    bytes: Vec<u8>,
    ends: SmallVec<[usize; 6]>,
}

impl Words {
    /// Appends a word.
    pub fn push(&mut self, word: &[u8]) {
        self.extend(word);
        self.end();
    }

    /// Appends to the word that is being made.
    pub fn extend(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
    }

    /// Ends the word that is being made.
    pub fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes they have together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Word `i`, from 0.
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        let end = *self.ends.get(i)?;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        Some(&self.bytes[start..end])
    }

    /// The words in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|i| &self[i])
    }
}

impl Index<usize> for Words {
    type Output = [u8];

    /// # Panics
    /// Where there is no word `i`; the command's arity says how many there are at least.
    fn index(&self, i: usize) -> &[u8] {
        self.get(i).expect("the arity was checked")
    }
}

impl<W: AsRef<[u8]>> FromIterator<W> for Words {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Words {
        let mut all = Words::default();
        words.into_iter().for_each(|word| all.push(word.as_ref()));
        all
    }
}
