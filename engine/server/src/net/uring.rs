//! `uring`: one `io_uring`, one system call a turn.
//!
//! The one idea: what a connection wants of the kernel is asked once (an accept and a receive go on by
//! themselves), and what it sends is one operation at a time, so that bytes keep their order however
//! short a send falls; the rest and what was queued meanwhile follow in the next turn. All that is asked
//! between two turns goes in one submission, which is also the wait.
//!
//! ```text
//! receiving   intake     means
//! some        Open       bytes come
//! none        Open       to be asked for in the next turn (new, resumed, or out of buffers)
//! some        Paused     being cancelled; what was received before still arrives
//! none        Paused     quiet
//! ```
//! Closing a connection frees its token at once; the operations in flight keep socket and buffer alive
//! until the kernel is done with them, and their completions find no tenant.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use seawall_sys::ring::{Sockets, Unavailable};

use super::epoll::Epoll;
use super::hall::{Ear, Hall, LISTENER, WAKE, Wake};
use super::room::Intake;
use super::table::Token;
use super::{Entry, Event, Listener, Net, Opened};

/// Its line in the list.
pub const ENTRY: Entry = Entry {
    name: "uring",
    about: "io_uring: one system call a turn; epoll stands in where it is forbidden",
    open: || or_epoll(Uring::new()),
};

/// The loop, or `epoll` and a line that says why.
fn or_epoll(uring: Result<Uring, Unavailable>) -> io::Result<Opened> {
    Ok(match uring {
        Ok(net) => Opened {
            net: Box::new(net),
            notice: None,
        },
        Err(unavailable) => Opened {
            net: Box::new(Epoll::new()?),
            notice: Some(format!("{unavailable}; the network uses 'epoll' instead")),
        },
    })
}

/// Buffers for what is received in a turn. The kernel fills them by turns, so all of them are resident before long
/// and pass through the processor's cache: a megabyte stays there. A connection that finds none asks again.
const BUFFERS: u16 = 128;
const BUFFER_BYTES: u32 = 8 << 10;

/// The loop.
pub struct Uring {
    sockets: Sockets,
    hall: Hall,
}

impl Uring {
    /// An empty loop, which belongs to the calling thread.
    ///
    /// # Errors
    /// Where `io_uring` is forbidden, absent or too old.
    pub fn new() -> Result<Uring, Unavailable> {
        Ok(Uring {
            sockets: Sockets::new(BUFFERS, BUFFER_BYTES)?,
            hall: Hall::new(),
        })
    }

    /// Asks the kernel for what connections, listeners and the wake-up want; how long to wait.
    fn ask(&mut self, wake: BorrowedFd<'_>, mut wait: Duration) -> io::Result<Duration> {
        let Uring { sockets, hall } = self;
        if hall.wake.is_none() {
            hall.wake = Some(Wake {
                fd: Rc::new(wake.try_clone_to_owned()?),
                polling: None,
            });
        }
        if let Some(wake) = hall.wake.as_mut().filter(|wake| wake.polling.is_none()) {
            wake.polling = Some(sockets.readable(WAKE, &wake.fd));
        }
        for (number, ear) in hall.room.ears.iter_mut() {
            if ear.watch.accepting.is_some() {
                continue;
            }
            let now = Instant::now();
            ear.rest.is_over(now);
            if let Some(until) = ear.rest.until() {
                wait = wait.min(until - now);
            } else {
                let token = LISTENER | number as u64;
                ear.watch.accepting = Some(sockets.accept(token, &ear.watch.socket));
            }
        }
        for operation in hall.cancel.drain(..) {
            sockets.cancel(operation);
        }
        let mut dirty = hall.room.take_dirty();
        for conn in dirty.drain(..) {
            let Some(connection) = hall.room.clean(conn) else {
                continue;
            };
            let token = conn.to_bits();
            let socket = &mut connection.kernel;
            if connection.intake == Intake::Open && socket.receiving.is_none() {
                socket.receiving = Some(sockets.receive(token, &socket.fd));
            }
            if socket.sending.is_none()
                && let Some((piece, from)) = connection.outbox.lend()
            {
                socket.sending = Some(sockets.send(token, &socket.fd, piece, from));
            }
        }
        hall.room.cleaned(dirty);
        Ok(wait)
    }
}

impl Net for Uring {
    fn listen(&mut self, listener: Listener) -> io::Result<usize> {
        self.hall.room.ears.add(listener, |_, listener| {
            Ok(Ear {
                socket: Rc::new(listener.as_fd().try_clone_to_owned()?),
                accepting: None,
            })
        })
    }

    fn deafen(&mut self) {
        for ear in self.hall.room.ears.drain() {
            self.hall.cancel.extend(ear.watch.accepting);
        }
    }

    fn keep_alive(&mut self, seconds: u32) -> io::Result<()> {
        self.hall.room.ears.keep_alive(seconds)
    }

    fn turn(
        &mut self,
        wait: Duration,
        wake: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) -> io::Result<()> {
        self.hall.room.ears.wake_by(wake)?;
        // Before anybody else is let in: who was closed has left its place.
        let mut pressing = self.hall.room.tell_closed(each);
        pressing |= self.hall.collect(each);
        let wait = self.ask(wake, wait)?;
        self.sockets
            .turn(if pressing { Duration::ZERO } else { wait })?;
        let hall = &mut self.hall;
        self.sockets
            .reap(|completion| hall.completed(completion, wake, each));
        self.hall.collect(each);
        self.hall.broken.take().map_or(Ok(()), Err)
    }

    fn send(&mut self, conn: Token, bytes: &[u8]) {
        self.hall.room.send(conn, bytes);
    }

    fn queued(&self, conn: Token) -> usize {
        self.hall.room.queued(conn)
    }

    fn pause(&mut self, conn: Token, paused: bool) {
        let connection = self.hall.room.get_mut(conn);
        if let Some(connection) = connection.filter(|c| c.intake != Intake::Over) {
            if paused && connection.intake == Intake::Open {
                connection.intake = Intake::Paused;
                self.hall.cancel.extend(connection.kernel.receiving);
            } else if !paused {
                connection.intake = Intake::Open;
                self.hall.room.soil(conn);
            }
        }
    }

    fn close(&mut self, conn: Token) {
        if self.hall.forget(conn) {
            self.hall.room.was_closed(conn);
        }
    }

    fn close_after_sending(&mut self, conn: Token) {
        let Some(connection) = self.hall.room.get_mut(conn) else {
            return;
        };
        connection.closing = true;
        connection.intake = Intake::Over;
        if connection.outbox.is_empty() {
            self.close(conn);
        } else {
            self.hall.cancel.extend(connection.kernel.receiving);
        }
    }

    fn connections(&self) -> usize {
        self.hall.room.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Unavailable, or_epoll};

    #[test]
    fn where_it_is_forbidden_epoll_stands_in_and_says_so() {
        let opened = or_epoll(Err(Unavailable {
            reason: "forbidden".to_owned(),
            source: None,
        }))
        .unwrap();
        let notice = opened.notice.unwrap();
        assert!(notice.contains("forbidden") && notice.contains("'epoll'"));
        assert!(!notice.contains('\n'), "one line");
        assert_eq!(opened.net.connections(), 0);
    }
}
