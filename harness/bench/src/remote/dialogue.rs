//! A conversation with a server apart from the ops: one question, then its answer.
//!
//! It blocks, and gives up after a while: what it asks any server answers at once, but for deleting much.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Address;

/// How long a server may take to accept or to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may take to delete all that it holds: Redis frees some million keys a second.
const FLUSH_MAX: Duration = Duration::from_mins(2);
/// The longest line and the longest block of an answer.
const LINE_BYTES_MAX: u64 = 64 << 10;
const BLOCK_BYTES_MAX: usize = 16 << 20;

/// A connection for questions.
pub(crate) struct Dialogue {
    address: Address,
    /// How long the server may take to answer.
    patience: Duration,
    stream: BufReader<TcpStream>,
}

impl Dialogue {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there, or the host is not known.
    pub(crate) fn open(address: &Address) -> Result<Dialogue, String> {
        let stream = connect(address)?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .map_err(|error| format!("{address}: {error}"))?;
        Ok(Dialogue {
            address: address.clone(),
            patience: PATIENCE,
            stream: BufReader::new(stream),
        })
    }

    /// Waits for answers as long as it takes to delete many keys.
    ///
    /// # Errors
    /// The server is gone.
    pub(crate) fn be_patient(&mut self) -> Result<(), String> {
        let set = self.stream.get_ref().set_read_timeout(Some(FLUSH_MAX));
        self.patience = FLUSH_MAX;
        set.map_err(|error| self.broken(&error))
    }

    /// Sends a question.
    ///
    /// # Errors
    /// The server is gone.
    pub(crate) fn say(&mut self, question: &str) -> Result<(), String> {
        let sent = self.stream.get_mut().write_all(question.as_bytes());
        sent.map_err(|error| self.broken(&error))
    }

    /// The next line of the answer, without its end.
    ///
    /// # Errors
    /// The server is gone or silent, or says what is no line of text.
    pub(crate) fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(LINE_BYTES_MAX);
        let read = bounded.read_until(b'\n', &mut line);
        read.map_err(|error| self.broken(&error))?;
        if line.is_empty() {
            return Err(format!("{} closed the connection", self.address));
        }
        match line.pop() {
            Some(b'\n') => {}
            _ => return Err(self.strange(&line)),
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        String::from_utf8(line).map_err(|error| self.strange(error.as_bytes()))
    }

    /// The next `len` bytes of the answer, and the end of their line.
    ///
    /// # Errors
    /// As [`Dialogue::line`].
    pub(crate) fn block(&mut self, len: usize) -> Result<String, String> {
        if len > BLOCK_BYTES_MAX {
            return Err(format!("{} answers with {len} bytes", self.address));
        }
        let mut block = vec![0; len + 2];
        let read = self.stream.read_exact(&mut block);
        read.map_err(|error| self.broken(&error))?;
        block.truncate(len);
        Ok(String::from_utf8_lossy(&block).into_owned())
    }

    /// An error: the server said what nobody understands.
    pub(crate) fn strange(&self, said: &[u8]) -> String {
        let shown = &said[..said.len().min(60)];
        format!(
            "{} gives a strange answer: \"{}\"",
            self.address,
            shown.escape_ascii()
        )
    }

    fn broken(&self, error: &std::io::Error) -> String {
        use std::io::ErrorKind::{
            BrokenPipe, ConnectionReset, TimedOut, UnexpectedEof, WouldBlock,
        };
        match error.kind() {
            WouldBlock | TimedOut => {
                format!(
                    "{} does not answer within {} s",
                    self.address,
                    self.patience.as_secs()
                )
            }
            UnexpectedEof | ConnectionReset | BrokenPipe => {
                format!("{} closed the connection", self.address)
            }
            _ => format!("{}: {error}", self.address),
        }
    }
}

/// A connection to `address`, whichever of its addresses takes it.
///
/// # Errors
/// None does; the last refusal.
pub(super) fn connect(address: &Address) -> Result<TcpStream, String> {
    let mut refusal = String::new();
    for candidate in address.resolve()? {
        match TcpStream::connect_timeout(&candidate, PATIENCE) {
            Ok(stream) => {
                stream
                    .set_nodelay(true)
                    .map_err(|error| format!("{address}: {error}"))?;
                return Ok(stream);
            }
            Err(error) => refusal = error.to_string(),
        }
    }
    Err(format!("cannot connect to {address}: {refusal}"))
}
