//! A connection: commands out, replies in, in order.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use seawall_store::Reply;

/// How long a reply may take: far longer than it does, on a busy machine too.
const REPLY_TIME_MAX: Duration = Duration::from_mins(1);

pub struct Wire {
    stream: TcpStream,
    out: Vec<u8>,
    input: Vec<u8>,
    /// Bytes of `input` that were read.
    read: usize,
}

impl Wire {
    pub fn connect(address: SocketAddr) -> io::Result<Wire> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_TIME_MAX))?;
        Ok(Wire {
            stream,
            out: Vec::new(),
            input: Vec::new(),
            read: 0,
        })
    }

    /// Adds a command to what is sent next.
    pub fn put(&mut self, words: &[&[u8]]) {
        self.out
            .extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            self.out
                .extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            self.out.extend_from_slice(word);
            self.out.extend_from_slice(b"\r\n");
        }
    }

    pub fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// The next reply; an error where there will be none.
    pub fn reply(&mut self) -> io::Result<Reply> {
        loop {
            if let Some((reply, used)) = Reply::parse(&self.input[self.read..]) {
                self.read += used;
                return Ok(reply);
            }
            self.input.drain(..self.read);
            self.read = 0;
            let mut bytes = [0; 1 << 13];
            let got = match self.stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(got) => got,
                // A signal of somebody else's.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.input.extend_from_slice(&bytes[..got]);
        }
    }

    /// Says one command, and hears its reply.
    pub fn ask(&mut self, words: &[&[u8]]) -> io::Result<Reply> {
        self.put(words);
        self.send()?;
        self.reply()
    }
}
