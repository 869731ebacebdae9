//! A client thread's way to a server: several connections, each a lane of ops in order, all waited for
//! at once.
//!
//! What a turn submitted is sent by the next poll, one write a connection; then the thread sleeps until
//! a reply comes or its time is up. A thread that never slept would hide whether it or the server was
//! the limit.

use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::io::Errno;
use seawall_store::{Op, Reply};

use super::connection::Connection;
use super::{Address, dialogue};
use crate::target::{Came, Client};
use crate::wire::Wire;

/// How long a server may keep ops without any reply.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How many connections are looked at after one wait; the others come next time.
const EVENTS: usize = 64;

/// What is waited for on every connection.
const READS: EventFlags = EventFlags::IN.union(EventFlags::RDHUP);

/// Connections of one thread.
pub(crate) struct Caller<W> {
    connections: Vec<Connection<W>>,
    /// Whose output the kernel did not take whole, so that they also wait to be written to.
    blocked: Vec<bool>,
    epoll: OwnedFd,
    events: Vec<Event>,
    /// When a reply came last, or an op was submitted while none was under way.
    heard: Instant,
    /// Ops without a reply, over all connections.
    under_way: usize,
}

impl<W: Wire> Caller<W> {
    /// Opens `count` connections.
    ///
    /// # Errors
    /// The server does not take them.
    pub(super) fn open(address: &Address, count: usize) -> Result<Caller<W>, String> {
        // By default a sleeper may be woken 50 µs late, which would stand in every open loop's latency.
        // Where the kernel refuses, it does.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let system = |error: Errno| format!("epoll: {error}");
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(system)?;
        let mut connections = Vec::new();
        for number in 0..count {
            let stream = dialogue::connect(address)?;
            stream
                .set_nonblocking(true)
                .map_err(|error| format!("{address}: {error}"))?;
            epoll::add(&epoll, &stream, data(number), READS).map_err(system)?;
            connections.push(Connection::new(stream));
        }
        Ok(Caller {
            blocked: vec![false; connections.len()],
            connections,
            epoll,
            events: Vec::with_capacity(EVENTS),
            heard: Instant::now(),
            under_way: 0,
        })
    }

    /// Sleeps until a socket is ready or it is `until`.
    fn wait(&mut self, until: Instant) -> Result<(), String> {
        // Looked at as late as can be: what was sent before took its time, too.
        let most = until.saturating_duration_since(Instant::now());
        let most = Timespec {
            tv_sec: most.as_secs() as i64,
            tv_nsec: i64::from(most.subsec_nanos()),
        };
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&most)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(format!("epoll: {error}")),
        }
    }
}

impl<W: Wire> Client for Caller<W> {
    fn submit(&mut self, lane: usize, ticket: u64, op: &Op) -> Result<Option<Reply>, String> {
        if self.under_way == 0 {
            self.heard = Instant::now();
        }
        self.connections[lane].submit(ticket, op)?;
        self.under_way += 1;
        Ok(None)
    }

    fn poll(
        &mut self,
        until: Instant,
        done: &mut dyn FnMut(Came, &mut Reply),
    ) -> Result<(), String> {
        for number in 0..self.connections.len() {
            if self.connections[number].has_output() {
                self.flush(number)?;
            }
        }
        self.wait(until)?;
        let mut heard = false;
        for at in 0..self.events.len() {
            let event = self.events[at];
            let number = event.data.u64() as usize;
            let flags = event.flags;
            if flags.intersects(EventFlags::OUT) {
                self.flush(number)?;
            }
            if flags == EventFlags::OUT {
                continue;
            }
            let connection = &mut self.connections[number];
            let before = connection.under_way();
            connection.receive(&mut |ticket, at, reply| {
                let lane = number;
                done(Came { lane, ticket, at }, reply);
            })?;
            let answered = before - connection.under_way();
            self.under_way -= answered;
            heard |= answered > 0;
        }
        if heard {
            self.heard = Instant::now();
        } else if self.events.is_empty() && self.under_way > 0 && self.heard.elapsed() > SILENCE_MAX
        {
            return Err(format!(
                "the server has not answered for {} s, with {} ops under way",
                SILENCE_MAX.as_secs(),
                self.under_way
            ));
        }
        Ok(())
    }
}

impl<W: Wire> Caller<W> {
    /// Sends what the kernel takes of one connection's output, and waits for room only where some is
    /// left.
    fn flush(&mut self, number: usize) -> Result<(), String> {
        let connection = &mut self.connections[number];
        connection.flush()?;
        let blocked = connection.has_output();
        if blocked != self.blocked[number] {
            self.blocked[number] = blocked;
            let wanted = if blocked {
                READS | EventFlags::OUT
            } else {
                READS
            };
            epoll::modify(&self.epoll, &connection.stream, data(number), wanted)
                .map_err(|error| format!("epoll: {error}"))?;
        }
        Ok(())
    }
}

fn data(number: usize) -> EventData {
    EventData::new_u64(number as u64)
}
