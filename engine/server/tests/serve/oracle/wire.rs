//! A connection that tells replies apart and keeps them as they came, byte for byte.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use seawall_store::Reply;
use seawall_store::reply::element;

/// The words of a command.
pub type Words = Vec<Vec<u8>>;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The words of a line in which no word holds a space.
pub fn words(line: &str) -> Words {
    line.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// A command as it is shown.
pub fn shown(words: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for word in words {
        let plain = !word.is_empty() && word.iter().all(|b| b.is_ascii_graphic() && *b != b'"');
        let quote = if plain { "" } else { "\"" };
        let _ = write!(text, " {quote}{}{quote}", word.escape_ascii());
    }
    text.trim_start().to_owned()
}

/// What came on a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frame {
    /// A reply, or what nobody asked for.
    Bytes(Vec<u8>),
    /// The server has closed.
    Closed,
    /// Nothing, for as long as one waits; with what is no whole reply.
    Silence(Vec<u8>),
}

impl Frame {
    /// The reply, where it is one.
    pub fn reply(&self) -> Option<Reply> {
        match self {
            Frame::Bytes(bytes) => Reply::parse(bytes).map(|(reply, _)| reply),
            _ => None,
        }
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Frame::Bytes(bytes) if bytes.starts_with(b"-"))
    }

    pub fn is(&self, bytes: &[u8]) -> bool {
        matches!(self, Frame::Bytes(own) if own == bytes)
    }
}

impl std::fmt::Display for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Frame::Bytes(bytes) => write!(f, "{}", bytes.escape_ascii()),
            Frame::Closed => f.write_str("(closed)"),
            Frame::Silence(rest) => write!(f, "(nothing) {}", rest.escape_ascii()),
        }
    }
}

/// A connection.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
    patience: Duration,
    /// Whether reading does not wait.
    hasty: bool,
}

impl Wire {
    pub fn connect(address: SocketAddr) -> Wire {
        let stream = TcpStream::connect(address).expect("it accepts");
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Wire {
            stream,
            read: Vec::new(),
            patience: PATIENCE,
            hasty: false,
        }
    }

    /// Waits for answers for so long.
    pub fn be_patient(&mut self, patience: Duration) {
        self.patience = patience;
        let limit = Some(patience);
        self.stream.set_read_timeout(limit).expect("a timeout");
    }

    /// Sends commands. Who has closed hears nothing, which reading tells.
    pub fn send<'a>(&mut self, commands: impl IntoIterator<Item = &'a Words>) {
        let mut bytes = Vec::new();
        for words in commands {
            write!(bytes, "*{}\r\n", words.len()).expect("memory");
            for word in words {
                write!(bytes, "${}\r\n", word.len()).expect("memory");
                bytes.extend_from_slice(word);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        self.haste(false);
        let _ = self.stream.write_all(&bytes);
    }

    /// The next frame, for which it waits.
    pub fn frame(&mut self) -> Frame {
        self.haste(false);
        let end = Instant::now() + self.patience;
        loop {
            if let Some(frame) = self.next(end) {
                return frame;
            }
        }
    }

    /// The next frame that is there.
    pub fn ready(&mut self) -> Option<Frame> {
        if let Some(frame) = self.whole() {
            return Some(frame);
        }
        self.haste(true);
        loop {
            match self.fill() {
                Ok(0) => return Some(Frame::Closed),
                Ok(_) => {
                    if let Some(frame) = self.whole() {
                        return Some(frame);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(_) => return Some(Frame::Closed),
            }
        }
    }

    /// Sends a command and reads what comes next.
    pub fn ask(&mut self, words: &Words) -> Frame {
        self.send([words]);
        self.frame()
    }

    fn next(&mut self, end: Instant) -> Option<Frame> {
        if let Some(frame) = self.whole() {
            return Some(frame);
        }
        match self.fill() {
            Ok(0) => Some(Frame::Closed),
            Ok(_) => (Instant::now() > end).then(|| Frame::Silence(self.read.clone())),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Some(Frame::Silence(self.read.clone()))
            }
            Err(_) => Some(Frame::Closed),
        }
    }

    fn whole(&mut self) -> Option<Frame> {
        let len = element::len(&self.read)?;
        Some(Frame::Bytes(self.read.drain(..len).collect()))
    }

    fn fill(&mut self) -> std::io::Result<usize> {
        let mut part = [0; 16 << 10];
        let len = self.stream.read(&mut part)?;
        self.read.extend_from_slice(&part[..len]);
        Ok(len)
    }

    fn haste(&mut self, hasty: bool) {
        if self.hasty != hasty {
            self.hasty = hasty;
            self.stream.set_nonblocking(hasty).expect("an option");
        }
    }
}
