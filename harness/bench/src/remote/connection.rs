//! One connection: a socket that never waits, what is still to be sent, what came and is not whole.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use seawall_store::{Op, Reply};

use crate::wire::Wire;

/// How much is read at once.
const READ_BYTES: usize = 64 << 10;
/// The most bytes of replies that are kept: the largest value with its frame, and one read.
const INPUT_BYTES_MAX: usize = (512 << 20) + 2 * READ_BYTES;

/// A connection and its ops under way.
pub(super) struct Connection<W> {
    pub(super) stream: TcpStream,
    wire: W,
    output: Vec<u8>,
    /// How much of `output` the kernel has taken.
    sent: usize,
    /// Replies as they came; those before `start` were handed over.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// The ticket of the oldest op under way, and how many there are.
    oldest: u64,
    under_way: usize,
}

impl<W: Wire> Connection<W> {
    pub(super) fn new(stream: TcpStream) -> Connection<W> {
        Connection {
            stream,
            wire: W::default(),
            output: Vec::new(),
            sent: 0,
            input: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            oldest: 0,
            under_way: 0,
        }
    }

    /// Puts `op` behind what is still to be sent. Tickets of a connection go up one by one.
    pub(super) fn submit(&mut self, ticket: u64, op: &Op) -> Result<(), String> {
        if self.under_way == 0 {
            self.oldest = ticket;
        }
        debug_assert_eq!(
            ticket,
            self.oldest + self.under_way as u64,
            "one by one, as a lane gives them"
        );
        self.wire.encode(op, &mut self.output)?;
        self.under_way += 1;
        Ok(())
    }

    /// How many ops have no reply yet.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Whether something is still to be sent.
    pub(super) fn has_output(&self) -> bool {
        self.sent < self.output.len()
    }

    /// Sends what the kernel takes.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        while self.has_output() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(taken) => self.sent += taken,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(gone(&error)),
            }
        }
        self.output.clear();
        self.sent = 0;
        Ok(())
    }

    /// Reads once, and hands over the replies that are whole, with when they were read.
    pub(super) fn receive(
        &mut self,
        done: &mut dyn FnMut(u64, Instant, &mut Reply),
    ) -> Result<(), String> {
        self.make_room()?;
        match self.stream.read(&mut self.input[self.end..]) {
            Ok(0) => return Err("the server closed the connection".to_owned()),
            Ok(read) => self.end += read,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(());
            }
            Err(error) => return Err(gone(&error)),
        }
        let now = Instant::now();
        let wrong = |why: String| format!("the server {why}");
        while self.start < self.end {
            if self.under_way == 0 {
                return Err(wrong("sends what was not asked for".to_owned()));
            }
            let unread = &self.input[self.start..self.end];
            let Some((mut reply, used)) = self.wire.decode(unread).map_err(wrong)? else {
                return Ok(());
            };
            self.start += used;
            let ticket = self.oldest;
            self.oldest += 1;
            self.under_way -= 1;
            done(ticket, now, &mut reply);
            self.wire.recycle(reply);
        }
        Ok(())
    }

    /// Makes room for a read behind what is there.
    fn make_room(&mut self) -> Result<(), String> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.input.len() - self.end >= READ_BYTES / 2 {
            return Ok(());
        }
        self.input.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.input.len() - self.end < READ_BYTES / 2 {
            let wanted = self.input.len() * 2;
            if wanted > 2 * INPUT_BYTES_MAX {
                return Err("the server sends a reply without end".to_owned());
            }
            self.input.resize(wanted, 0);
        }
        Ok(())
    }
}

fn gone(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "the server closed the connection".to_owned()
        }
        _ => format!("the server is gone: {error}"),
    }
}
