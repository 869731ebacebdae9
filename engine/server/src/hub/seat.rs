//! A client's seat at its worker: the connection, what the network calls it, and how far it is.
//!
//! ```text
//!  Here ──said all──► Closing ──all sent──────────────┐
//!   │                    │ broken, slow, stuck        ▼
//!   └── broken, slow ──► Cut ──the network has──────► Gone ──the store owes nothing──► vacant
//! ```
//!
//! Whoever is not `Here` hears nothing that nobody asked for, and can be cut off at any time: a client
//! that does not read what is left for it keeps neither memory nor the server.

use seawall_store::{Millis, Worker};

use crate::connection::Connection;
use crate::limits::Limits;
use crate::net::{Net, Token};
use crate::server::Server;

/// An output's memory is given back when it took more.
const OUTPUT_KEPT_BYTES: usize = 64 << 10;
/// Whoever has heard all that it will, and takes none of it for so long, is cut off.
const LINGER_MS: u64 = 30_000;

/// A client's.
pub(super) struct Seat {
    pub(super) token: Token,
    pub(super) connection: Connection,
    pub(super) life: Life,
    pub(super) is_dirty: bool,
    /// Whether it goes on in the next round: of what it asked something may be left that nothing holds up.
    pub(super) is_runnable: bool,
    /// Whether the network was told not to receive.
    is_paused: bool,
}

/// How far a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It is served.
    Here,
    /// The network closes it when all is sent; it has taken nothing since then.
    Closing(Millis),
    /// The network was told to close it now.
    Cut,
    /// The network has closed it; its seat stays until the store owes it nothing.
    Gone,
}

/// What is to become of a seat that was flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing.
    Stays,
    /// What it is to be sent has to wait.
    Waits,
    /// Its connection may go on.
    GoesOn,
    /// It is nobody's any more.
    Vacant,
}

impl Seat {
    /// Of a client that has just come.
    pub(super) fn new(token: Token, connection: Connection) -> Seat {
        Seat {
            token,
            connection,
            life: Life::Here,
            is_dirty: false,
            is_runnable: false,
            is_paused: false,
        }
    }

    /// Gives the network what is to be sent, and closes where it is time.
    pub(super) fn flush(
        &mut self,
        net: &mut dyn Net,
        store: &Worker,
        server: &Server,
        limits: &Limits,
        now: Millis,
    ) -> Flushed {
        match self.life {
            Life::Here => self.send(net, store, server, limits, now),
            Life::Closing(_) => {
                let connection = &mut self.connection;
                if connection.is_broken() || connection.is_too_slow(limits, now) {
                    self.cut(net);
                }
                Flushed::Stays
            }
            Life::Cut => Flushed::Stays,
            Life::Gone if self.connection.is_owed() => Flushed::Stays,
            Life::Gone => Flushed::Vacant,
        }
    }

    fn send(
        &mut self,
        net: &mut dyn Net,
        store: &Worker,
        server: &Server,
        limits: &Limits,
        now: Millis,
    ) -> Flushed {
        let connection = &mut self.connection;
        if connection.is_broken() {
            self.cut(net);
            return Flushed::Stays;
        }
        let Some(output) = connection.output(store) else {
            self.listen(net);
            return Flushed::Waits;
        };
        if !output.is_empty() {
            net.send(self.token, output);
            let sent = output.len() as u64;
            output.clear();
            output.shrink_to(OUTPUT_KEPT_BYTES);
            let card = &connection.client.card;
            card.heard_ms.set(now.0);
            let traffic = server.traffic.of(card.worker);
            traffic.writes.add(1);
            traffic.output_bytes.add(sent);
        }
        let may_go_on = connection.queued(net.queued(self.token));
        if connection.is_too_slow(limits, now) {
            self.cut(net);
        } else if connection.is_done() && !self.is_runnable {
            connection.fall_silent(server);
            self.life = Life::Closing(now);
            net.close_after_sending(self.token);
        } else {
            self.listen(net);
            if may_go_on {
                return Flushed::GoesOn;
            }
        }
        Flushed::Stays
    }

    /// Lets the network receive, unless more waits already than may.
    fn listen(&mut self, net: &mut dyn Net) {
        let overfull = self.connection.is_overfull(self.is_runnable);
        if overfull != self.is_paused {
            self.is_paused = overfull;
            net.pause(self.token, overfull);
        }
    }

    fn cut(&mut self, net: &mut dyn Net) {
        self.life = Life::Cut;
        net.close(self.token);
    }

    /// The network has sent some, and has so many bytes left; whether the connection may go on.
    pub(super) fn sent(&mut self, left: usize, now: Millis) -> bool {
        if let Life::Closing(stuck_since) = &mut self.life {
            *stuck_since = now;
        }
        self.connection.queued(left)
    }

    /// Whether it is to be cut off: silent, or slow, for longer than it may be.
    pub(super) fn is_overdue(&mut self, limits: &Limits, now: Millis) -> bool {
        let stuck = match self.life {
            Life::Here => false,
            Life::Closing(since) => now.since(since) > LINGER_MS,
            Life::Cut | Life::Gone => return false,
        };
        stuck || self.connection.is_idle(limits, now) || self.connection.is_too_slow(limits, now)
    }
}
