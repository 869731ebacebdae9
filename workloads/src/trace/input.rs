//! A trace file as a stream: decompressed as its content demands, read by line or by record.
//!
//! Nothing is read whole: a line is bounded, a record has a fixed length. Compression is recognised
//! by magic bytes, never by name; a name that promises a compression that is not there is an error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::error::{Place, TraceError};

const BUFFER_BYTES: usize = 1 << 18;
const LINE_BYTES_MAX: usize = 1 << 16;
/// How much of a file is looked at to tell what it is.
const START_BYTES: u64 = 512;
/// What a decompressor may take for its window.
const XZ_MEMORY_BYTES_MAX: u64 = 1 << 28;

struct Compression {
    suffix: &'static str,
    magic: &'static [u8],
}

const COMPRESSIONS: [Compression; 3] = [
    Compression {
        suffix: "gz",
        magic: &[0x1f, 0x8b],
    },
    Compression {
        suffix: "xz",
        magic: &[0xfd, b'7', b'z', b'X', b'Z', 0],
    },
    Compression {
        suffix: "zst",
        magic: &[0x28, 0xb5, 0x2f, 0xfd],
    },
];

/// The name of a file without its compression's suffix.
pub(super) fn uncompressed_name(name: &str) -> &str {
    let stem = name.rsplit_once('.');
    match stem {
        Some((stem, suffix)) if COMPRESSIONS.iter().any(|c| c.suffix == suffix) => stem,
        _ => name,
    }
}

/// An open trace file.
pub struct Input {
    file: String,
    content: Box<dyn BufRead>,
    byte: u64,
    line: u64,
}

impl Input {
    /// Opens `path`.
    ///
    /// # Errors
    /// The file cannot be read, or is not compressed as its name says.
    pub fn open(path: &Path) -> Result<Input, TraceError> {
        let file = path.display().to_string();
        let io = |source| TraceError::Io {
            file: file.clone(),
            source,
        };
        let raw = File::open(path).map_err(io)?;
        Input::new(&file, raw).map_err(|error| match error {
            OpenError::Io(source) => io(source),
            OpenError::NotCompressed(suffix) => TraceError::Malformed {
                file: file.clone(),
                place: Place::Byte(0),
                what: format!("the name ends in .{suffix}, the content is not compressed so"),
                accepted: "gz, xz, zst (known by their first bytes), or no compression".to_owned(),
            },
        })
    }

    fn new(file: &str, raw: impl Read + 'static) -> Result<Input, OpenError> {
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, raw);
        let mut start = Vec::new();
        raw.by_ref().take(START_BYTES).read_to_end(&mut start)?;
        let found = COMPRESSIONS.iter().find(|c| start.starts_with(c.magic));
        let named = COMPRESSIONS.iter().find(|c| {
            file.rsplit_once('.')
                .is_some_and(|(_, suffix)| suffix == c.suffix)
        });
        if let (None, Some(named)) = (found, named) {
            return Err(OpenError::NotCompressed(named.suffix));
        }
        let raw = io::Cursor::new(start).chain(raw);
        let content: Box<dyn Read> = match found.map(|c| c.suffix) {
            Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
            Some("xz") => {
                let stream = liblzma::stream::Stream::new_stream_decoder(
                    XZ_MEMORY_BYTES_MAX,
                    liblzma::stream::CONCATENATED,
                )
                .map_err(io::Error::from)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(raw, stream))
            }
            Some("zst") => Box::new(zstd::stream::read::Decoder::with_buffer(raw)?),
            _ => Box::new(raw),
        };
        Ok(Input {
            file: file.to_owned(),
            content: Box::new(BufReader::with_capacity(BUFFER_BYTES, content)),
            byte: 0,
            line: 0,
        })
    }

    /// An empty input, for errors about requests that come from memory.
    pub(super) fn in_memory(name: &str) -> Input {
        Input {
            file: name.to_owned(),
            content: Box::new(io::empty()),
            byte: 0,
            line: 0,
        }
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// An error at the line that was read last.
    pub fn bad_line(&self, what: impl Into<String>, accepted: &str) -> TraceError {
        self.malformed(Place::Line(self.line), what.into(), accepted)
    }

    /// An error at the record of `length` bytes that was read last.
    pub fn bad_record(&self, length: usize, what: impl Into<String>, accepted: &str) -> TraceError {
        let start = self.byte.saturating_sub(length as u64);
        self.malformed(Place::Byte(start), what.into(), accepted)
    }

    fn malformed(&self, place: Place, what: String, accepted: &str) -> TraceError {
        TraceError::Malformed {
            file: self.file.clone(),
            place,
            what,
            accepted: accepted.to_owned(),
        }
    }

    fn unreadable(&self, error: &io::Error) -> TraceError {
        self.malformed(
            Place::Byte(self.byte),
            format!("the content breaks off or cannot be decompressed ({error})"),
            "a complete file",
        )
    }

    /// Appends the next line of text, without its end, to `line` (emptied first); `false` at the end
    /// of the file.
    ///
    /// # Errors
    /// The line is too long, or holds bytes that no text has.
    pub fn line(&mut self, line: &mut Vec<u8>) -> Result<bool, TraceError> {
        line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = (&mut self.content).take(limit).read_until(b'\n', line);
        let read = read.map_err(|error| self.unreadable(&error))?;
        self.byte += read as u64;
        self.line += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if read > LINE_BYTES_MAX {
            return Err(self.bad_line("no end of line in 65536 bytes", "lines of text"));
        }
        if let Some(&byte) = line.iter().find(|&&b| b < b' ' && b != b'\t' || b == 0x7f) {
            let what = format!("byte 0x{byte:02x} stands in it, so it is no text");
            return Err(self.bad_line(what, "lines of text; binary formats have to be named"));
        }
        Ok(read > 0)
    }

    /// The next record of `N` bytes; `None` at the end of the file.
    ///
    /// # Errors
    /// The file ends within the record, or is plainly text.
    pub fn record<const N: usize>(&mut self) -> Result<Option<[u8; N]>, TraceError> {
        if self.byte == 0 {
            self.refuse_text()?;
        }
        let mut record = [0; N];
        let mut filled = 0;
        while filled < N {
            match self.content.read(&mut record[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        self.byte += filled as u64;
        match filled {
            0 => Ok(None),
            _ if filled == N => Ok(Some(record)),
            _ => {
                let what = format!("the last record is cut off after {filled} of {N} bytes");
                Err(self.bad_record(filled, what, "whole records only"))
            }
        }
    }

    /// Numbers in binary are not all letters, digits and line ends.
    fn refuse_text(&mut self) -> Result<(), TraceError> {
        let start = match self.content.fill_buf() {
            Ok(start) => &start[..start.len().min(START_BYTES as usize)],
            Err(error) => return Err(self.unreadable(&error)),
        };
        let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        if start.len() >= 2 && start.contains(&b'\n') && start.iter().all(is_text) {
            let what = "the file begins as text".to_owned();
            let accepted = "binary records; text formats are text, csv, arc, lirs";
            return Err(self.malformed(Place::Byte(0), what, accepted));
        }
        Ok(())
    }
}

enum OpenError {
    Io(io::Error),
    NotCompressed(&'static str),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> OpenError {
        OpenError::Io(error)
    }
}
