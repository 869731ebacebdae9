//! Lines: a long array of zeroed cache lines of atomic words, for the index.
//!
//! Address space is reserved once for as many lines as the index can ever need and pages appear when
//! they are first touched, so growing needs neither a directory nor a copy.
#![cfg_attr(
    not(any(miri, loom)),
    expect(unsafe_code, reason = "lines lie in reserved memory")
)]

use crate::sync::AtomicU64;

/// One cache line of atomic words.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct Line(pub [AtomicU64; 8]);

/// An array of lines that begin as zeros.
#[derive(Debug)]
pub struct Lines {
    #[cfg(not(any(miri, loom)))]
    memory: seawall_sys::map::Reserved,
    #[cfg(any(miri, loom))]
    memory: Vec<Line>,
}

impl Lines {
    /// Reserves `lines` lines, or half, or a quarter and so on down to `lines_min`, as the system
    /// grants.
    ///
    /// # Errors
    /// Not even `lines_min` are granted.
    #[cfg(not(any(miri, loom)))]
    pub fn reserve(lines: usize, lines_min: usize) -> std::io::Result<Lines> {
        let mut lines = lines;
        loop {
            match seawall_sys::map::Reserved::new(lines * size_of::<Line>()) {
                Ok(memory) => return Ok(Lines { memory }),
                Err(error) if lines <= lines_min => return Err(error),
                Err(_) => lines /= 2,
            }
        }
    }

    /// Under Miri and loom there are just enough lines for small tests.
    #[cfg(any(miri, loom))]
    pub fn reserve(_lines: usize, _lines_min: usize) -> std::io::Result<Lines> {
        let lines = if cfg!(loom) { 8 } else { 512 };
        Ok(Lines {
            memory: (0..lines).map(|_| Line::default()).collect(),
        })
    }

    /// All lines.
    #[inline]
    #[cfg_attr(
        not(any(miri, loom)),
        expect(clippy::cast_ptr_alignment, reason = "a mapping begins at a page")
    )]
    pub fn all(&self) -> &[Line] {
        #[cfg(not(any(miri, loom)))]
        // SAFETY: the mapping is as long as that, aligned to more than a line, lives as long as
        // `self`, is only ever accessed through these atomics, and all zeros is a valid line.
        return unsafe {
            std::slice::from_raw_parts(
                self.memory.base().as_ptr().cast::<Line>(),
                self.memory.len() / size_of::<Line>(),
            )
        };
        #[cfg(any(miri, loom))]
        return &self.memory;
    }

    /// Puts pages behind `part`, in bytes: huge ones where `huge`, also in the place of small ones. Where the system
    /// cannot, they come with the first touch.
    #[cfg_attr(any(miri, loom), expect(clippy::unused_self, reason = "no pages here"))]
    pub fn populate(&self, part: std::ops::Range<usize>, huge: bool) {
        #[cfg(not(any(miri, loom)))]
        super::ahead::populate(&self.memory, part, huge);
        #[cfg(any(miri, loom))]
        let _ = (part, huge);
    }

    /// Gives the huge pages of `part`, in bytes, back, which only the caller fills and never did. What comes there
    /// next are small ones.
    #[cfg_attr(any(miri, loom), expect(clippy::unused_self, reason = "no pages here"))]
    pub fn give_back(&self, part: std::ops::Range<usize>) {
        #[cfg(not(any(miri, loom)))]
        {
            let _ = self.memory.advise(part.clone(), false);
            // SAFETY: lines that were never filled are zeros, with these pages and without: whoever looks at
            // them meanwhile sees no change.
            let _ = unsafe { self.memory.discard(part) };
        }
        #[cfg(any(miri, loom))]
        let _ = part;
    }

    /// Asks the processor to fetch line `i`.
    #[inline]
    pub fn prefetch(&self, i: usize) {
        seawall_sys::map::prefetch(self.all().as_ptr().wrapping_add(i).cast());
    }
}
