//! A trace file as a stream: decompressed as its content demands, read by line or by record.
//!
//! Nothing is read whole: a line is bounded, a record has a fixed length. Compression is recognised
//! by magic bytes, never by name; a name that promises a compression that is not there is an error.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use super::error::{Place, TraceError};

/// What is asked of the file at once: as much as the nearest caches hold.
const READ_BYTES: usize = 1 << 18;
/// So little is moved to the buffer's front before each reading, which keeps to the same memory.
const REST_BYTES_MOVED: usize = 1 << 12;
/// What some programs begin a text in UTF-8 with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A line is no longer, nor is anything else that is looked at whole.
pub const LINE_BYTES_MAX: usize = 1 << 20;
const BUFFER_BYTES: usize = 2 * LINE_BYTES_MAX;
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

/// Where reading stands, for messages.
pub struct Position {
    file: String,
    /// Where what was handed out last begins.
    byte: u64,
    /// The line handed out last, from 1; 0 where no lines are read.
    line: u64,
}

impl Position {
    /// The file's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// An error where reading stands: in the line handed out last, or at its records.
    pub fn bad(&self, what: impl Into<String>, accepted: &str) -> TraceError {
        let place = match self.line {
            0 => Place::Byte(self.byte),
            line => Place::Line(line),
        };
        self.malformed(place, what.into(), accepted)
    }

    /// An error `offset` bytes into the records handed out last.
    pub fn bad_byte(&self, offset: usize, what: impl Into<String>, accepted: &str) -> TraceError {
        let place = Place::Byte(self.byte + offset as u64);
        self.malformed(place, what.into(), accepted)
    }

    fn malformed(&self, place: Place, what: String, accepted: &str) -> TraceError {
        TraceError::Malformed {
            file: self.file.clone(),
            place,
            what,
            accepted: accepted.to_owned(),
        }
    }
}

/// An open trace file.
pub struct Input {
    at: Position,
    /// The file's length, where it is not compressed.
    length: Option<u64>,
    content: Box<dyn Read>,
    buffer: Box<[u8]>,
    /// What was handed out last, and behind it what is still to be handed out, until `end`.
    handed: Range<usize>,
    end: usize,
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
        let length = raw.metadata().map_err(io)?.len();
        Input::new(&file, raw, length).map_err(|error| match error {
            OpenError::Io(source) => io(source),
            OpenError::NotCompressed(suffix) => TraceError::Malformed {
                file: file.clone(),
                place: Place::Byte(0),
                what: format!("the name ends in .{suffix}, the content is not compressed so"),
                accepted: "gz, xz, zst (known by their first bytes), or no compression".to_owned(),
            },
        })
    }

    fn new(file: &str, mut raw: File, length: u64) -> Result<Input, OpenError> {
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
            Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(raw))),
            Some("xz") => {
                let stream = liblzma::stream::Stream::new_stream_decoder(
                    XZ_MEMORY_BYTES_MAX,
                    liblzma::stream::CONCATENATED,
                )
                .map_err(io::Error::from)?;
                let raw = BufReader::new(raw);
                Box::new(liblzma::bufread::XzDecoder::new_stream(raw, stream))
            }
            Some("zst") => Box::new(zstd::stream::read::Decoder::new(raw)?),
            _ => Box::new(raw),
        };
        Ok(Input {
            at: Position {
                file: file.to_owned(),
                byte: 0,
                line: 0,
            },
            length: found.is_none().then_some(length),
            content,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            handed: 0..0,
            end: 0,
        })
    }

    /// How much of the file was handed out, up to 1, where that can be told.
    pub(super) fn share_read(&self) -> Option<f64> {
        let read = self.at.byte + self.handed.len() as u64;
        self.length
            .filter(|&length| (1..=length).contains(&read))
            .map(|length| read as f64 / length as f64)
    }

    /// Where reading stands.
    pub fn at(&self) -> &Position {
        &self.at
    }

    fn unreadable(&self, error: &io::Error) -> TraceError {
        let read = (self.end - self.handed.start) as u64;
        self.at.malformed(
            Place::Byte(self.at.byte + read),
            format!("the content breaks off or cannot be decompressed ({error})"),
            "a complete file",
        )
    }

    /// What was handed out last is done with.
    fn advance(&mut self) {
        self.at.byte += self.handed.len() as u64;
        self.handed = self.handed.end..self.handed.end;
    }

    /// What stands in the buffer behind what was handed out.
    fn rest(&self) -> &[u8] {
        &self.buffer[self.handed.end..self.end]
    }

    /// Reads on; `false` at the end of the file. Nothing is handed out, and there is room.
    fn fill(&mut self) -> Result<bool, TraceError> {
        let short = self.rest().len() <= REST_BYTES_MOVED;
        if short || self.buffer.len() - self.end < READ_BYTES {
            self.buffer.copy_within(self.handed.end..self.end, 0);
            self.end -= self.handed.end;
            self.handed = 0..0;
        }
        loop {
            let room = &mut self.buffer[self.end..self.end + READ_BYTES];
            match self.content.read(room) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
    }

    /// The next line of text, without its end; `None` at the end of the file.
    ///
    /// # Errors
    /// The line is too long, or holds bytes that no text has.
    pub fn line(&mut self) -> Result<Option<(&[u8], &Position)>, TraceError> {
        self.advance();
        self.at.line += 1;
        let mut searched = 0;
        let length = loop {
            if let Some(at) = memchr::memchr(b'\n', &self.rest()[searched..]) {
                break searched + at + 1;
            }
            searched = self.rest().len();
            if searched > LINE_BYTES_MAX {
                let what = format!("no end of line in {LINE_BYTES_MAX} bytes");
                return Err(self.at.bad(what, "lines of text"));
            }
            if !self.fill()? {
                break searched;
            }
        };
        if length == 0 {
            return Ok(None);
        }
        self.handed.end += length;
        let line = &self.buffer[self.handed.clone()];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // A mark that tells the order of bytes is no part of the first key.
        let line = match self.at.line {
            1 => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line),
            _ => line,
        };
        // Looked at without a branch a byte: lines are good but for the last.
        if line
            .iter()
            .fold(false, |found, &byte| found | no_text(byte))
        {
            let byte = line.iter().copied().find(|&byte| no_text(byte));
            let byte = byte.unwrap_or_default();
            let what = format!("byte 0x{byte:02x} stands in it, so it is no text");
            let accepted = "lines of text; binary formats have to be named";
            return Err(self.at.bad(what, accepted));
        }
        Ok(Some((line, &self.at)))
    }

    /// Records of `N` bytes that follow, at most `most` of them; none at the end of the file.
    ///
    /// # Errors
    /// The file ends within a record, or is plainly text.
    pub fn records<const N: usize>(
        &mut self,
        most: usize,
    ) -> Result<(&[[u8; N]], &Position), TraceError> {
        self.advance();
        if self.at.byte == 0 {
            self.refuse_text()?;
        }
        while self.rest().len() < N {
            if !self.fill()? {
                break;
            }
        }
        let whole = (self.rest().len() / N).min(most);
        if whole == 0 && !self.rest().is_empty() {
            let what = format!(
                "the last record is cut off after {} of {N} bytes",
                self.rest().len()
            );
            return Err(self.at.bad_byte(0, what, "whole records only"));
        }
        self.handed.end += whole * N;
        let records = self.buffer[self.handed.clone()].as_chunks().0;
        Ok((records, &self.at))
    }

    /// The next `length` bytes, at most [`LINE_BYTES_MAX`]; `None` at the end of the file.
    ///
    /// # Errors
    /// The file ends within them.
    pub fn bytes(&mut self, length: usize) -> Result<Option<(&[u8], &Position)>, TraceError> {
        assert!(length <= LINE_BYTES_MAX, "{length} bytes at once");
        self.advance();
        while self.rest().len() < length {
            if !self.fill()? {
                break;
            }
        }
        let found = self.rest().len();
        if found < length {
            if found == 0 {
                return Ok(None);
            }
            let what = format!("the file ends after {found} of {length} bytes");
            return Err(self.at.bad_byte(0, what, "a complete file"));
        }
        self.handed.end += length;
        Ok(Some((&self.buffer[self.handed.clone()], &self.at)))
    }

    /// Numbers in binary are not all letters, digits and line ends.
    fn refuse_text(&mut self) -> Result<(), TraceError> {
        self.fill()?;
        let start = &self.rest()[..self.rest().len().min(START_BYTES as usize)];
        let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        if start.len() >= 2 && start.contains(&b'\n') && start.iter().all(is_text) {
            let accepted = "binary records; text formats are text, csv, arc, lirs";
            return Err(self.at.bad_byte(0, "the file begins as text", accepted));
        }
        Ok(())
    }
}

/// Whether no text has this byte.
fn no_text(byte: u8) -> bool {
    byte < b' ' && byte != b'\t' || byte == 0x7f
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
