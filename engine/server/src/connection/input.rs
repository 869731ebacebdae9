//! Bytes of a client that cannot be read yet: a line that is cut in two, or what stands behind a
//! command that waits.

/// Below so many bytes at the front nothing is moved.
const MOVED_BYTES_MIN: usize = 64 << 10;

/// Bytes, taken from the front and added at the end.
#[derive(Debug, Default)]
pub struct Input {
    bytes: Vec<u8>,
    /// How many at the front were taken.
    taken: usize,
}

impl Input {
    /// What is there.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the first `count` bytes away. What is left moves to the front only when it is the smaller
    /// part, so that taking all of many bytes little by little moves each of them a bounded number of
    /// times.
    pub fn take(&mut self, count: usize) {
        self.taken += count;
        if self.taken == self.bytes.len() {
            self.clear();
        } else if self.taken >= MOVED_BYTES_MIN && self.taken >= self.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Forgets all, and gives memory back that a long wait took.
    pub fn clear(&mut self) {
        self.taken = 0;
        self.bytes.clear();
        if self.bytes.capacity() > MOVED_BYTES_MIN {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_bytes_in_order_and_forgets_what_was_taken() {
        let mut input = Input::default();
        let (mut added, mut taken) = (0_u32, 0_u32);
        for round in 0..2_000 {
            for _ in 0..round % 97 {
                input.add(&added.to_le_bytes());
                added += 1;
            }
            for _ in 0..(round % 89).min(input.len() / 4) {
                let number = u32::from_le_bytes(input.as_bytes()[..4].try_into().unwrap());
                assert_eq!(number, taken);
                taken += 1;
                input.take(4);
            }
            assert_eq!(input.len(), 4 * (added - taken) as usize);
        }
        assert!(input.bytes.len() <= 2 * input.len() + MOVED_BYTES_MIN + 4);
        input.take(input.len());
        assert!(input.is_empty() && input.bytes.capacity() <= MOVED_BYTES_MIN);
    }
}
