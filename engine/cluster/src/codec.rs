//! Bytes of messages: little-endian integers and length-prefixed strings, read with bounds.
//!
//! Not a schema language: each message writes and reads its own fields in one order.

/// Most messages take no more.
const USUAL_BYTES: usize = 32;

/// Appends fields.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A message whose first byte is `tag`.
    pub fn new(tag: u8) -> Writer {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        bytes.push(tag);
        Writer { bytes }
    }

    /// A byte.
    #[must_use]
    pub fn u8(mut self, n: u8) -> Writer {
        self.bytes.push(n);
        self
    }

    /// A 16-bit integer.
    #[must_use]
    pub fn u16(mut self, n: u16) -> Writer {
        self.bytes.extend_from_slice(&n.to_le_bytes());
        self
    }

    /// A 64-bit integer.
    #[must_use]
    pub fn u64(mut self, n: u64) -> Writer {
        self.bytes.extend_from_slice(&n.to_le_bytes());
        self
    }

    /// Bytes behind their length, which takes 32 bits.
    ///
    /// # Panics
    /// There are 4 GiB of them or more.
    #[must_use]
    pub fn string(mut self, bytes: &[u8]) -> Writer {
        let length = u32::try_from(bytes.len()).expect("less than 4 GiB");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The rest of the message: bytes without a length.
    #[must_use]
    pub fn rest(mut self, bytes: &[u8]) -> Writer {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The message.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes fields from the front; `None` where the message is too short.
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the front.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// A byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[n]| n)
    }

    /// A 16-bit integer.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// A 64-bit integer.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Bytes behind their length.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.array().map(u32::from_le_bytes)?;
        let (head, rest) = self.bytes.split_at_checked(length as usize)?;
        self.bytes = rest;
        Some(head)
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    /// `()` where nothing is left: a message must be read to its end.
    pub fn end(&self) -> Option<()> {
        self.is_at_end().then_some(())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*head)
    }
}
