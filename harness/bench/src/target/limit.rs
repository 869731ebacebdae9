//! `limit`: counts requests and answers each with a value's worth of bytes, parsing nothing. What is
//! measured on it is the network, the kernel and the driver.
//!
//! It runs on the server's own network loop (`seawall_server::net`, `io_uring` where it is allowed), a
//! thread for each CPU that a spawned server would get; connections are shared out as the server shares
//! them out. Its replies mean nothing, so they are not verified, and a workload that fills on a miss never
//! misses on it: it is sent fewer bytes than a server that misses, and its driver does less.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use seawall_server::net::{self, Event, Listener, Net, Token};
use seawall_store::ReplyBuf;
use serde_json::{Map, Value};

use super::{Deal, Endpoint, Lookups, Target};
use crate::cost::Cost;
use crate::drive::{self, Drive};
use crate::remote::{Address, Caller, Remote};
use crate::wire::{Framed, HEAD_BYTES, frame, head};

pub(super) static TARGET: Target = Target {
    name: "limit",
    about: "counts requests and answers with as many bytes as a value has: the ceiling of this driver and network",
    source: "DESIGN 5; a reply is as long as that to a GET of the workload's mean value",
    form: "limit",
    which: super::alone,
    absent: super::present,
    takes: super::all_settings,
    speaks: None,
    own: true,
    run: drive::run::<Limit>,
};

/// The value in a reply to a workload that reads none of one length: the mean one of `cache-aside`.
const VALUE_BYTES: usize = 273;

/// A workload is asked for the length of its values as one of so many clients', which is less to build.
const LIKELY_CLIENTS: usize = 50;

/// How many replies are handed to the network at once, at most.
const REPLIES: usize = 64;

/// The longest request: far above any op of a workload.
const REQUEST_BYTES_MAX: usize = 1 << 30;

/// How many connections may wait to be accepted: all that a cell may open at once.
const BACKLOG: u32 = 16_384;

/// How long a thread sleeps where nothing comes; it is woken to end.
const SLEEP: Duration = Duration::from_millis(100);

struct Limit {
    remote: Remote<Framed>,
    threads: Vec<Server>,
}

/// What a thread of the server shares with whoever ends it.
#[derive(Default)]
struct Shared {
    end: AtomicBool,
    /// Requests that were answered.
    requests: AtomicU64,
}

/// A thread of the server.
struct Server {
    thread: Option<JoinHandle<Result<(), String>>>,
    /// The kernel's number of it.
    number: u32,
    /// What the network loop fell back to.
    notice: Option<String>,
    wake: Arc<OwnedFd>,
    shared: Arc<Shared>,
}

impl Endpoint for Limit {
    type Client<'a> = Caller<Framed>;
    const ANSWERS: bool = false;
    const APART: bool = true;

    fn open(drive: &Drive<'_>) -> Result<Limit, String> {
        let configuration = drive.configuration;
        let workload = (drive.build)(drive.workload, drive.seed, 0, LIKELY_CLIENTS)?;
        let value_bytes = workload
            .value_bytes_mean()
            .map_or(VALUE_BYTES, |mean| mean.round() as usize);
        let deal = Deal::wanted(configuration);
        let system = |error: std::io::Error| format!("the echo server: {error}");
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::tcp(anywhere, BACKLOG).map_err(system)?;
        let address = listener.address().ok_or("the echo server has no address")?;
        let threads = deal
            .server
            .iter()
            .map(|&cpu| Server::start(cpu, listener.share().map_err(system)?, value_bytes))
            .collect::<Result<_, _>>()?;
        let remote = Remote::open(drive, Address::here(address.port()), |_| deal)?;
        Ok(Limit { remote, threads })
    }

    fn threads(&self) -> usize {
        self.remote.threads()
    }

    fn lanes(&self) -> usize {
        self.remote.connections()
    }

    fn deal(&self) -> Option<&Deal> {
        Some(self.remote.deal())
    }

    fn client(&self, number: usize) -> Result<Caller<Framed>, String> {
        self.remote.caller(number)
    }

    fn lookups(&self) -> Option<Lookups> {
        None
    }

    fn cost(&self) -> Result<Cost, String> {
        let mut threads = seawall_sys::usage::threads_of(std::process::id()).unwrap_or_default();
        threads.retain(|thread| {
            let is_it = |server: &Server| server.number == thread.number;
            self.threads.iter().any(is_it)
        });
        Ok(Cost {
            cpu: (!threads.is_empty()).then(|| threads.iter().map(|thread| thread.ran).sum()),
            threads,
            // Its memory cannot be told from the driver's.
            rss_bytes: None,
            // It writes nothing.
            written_bytes: None,
            own_cpu: seawall_sys::usage::process_cpu(),
            within: true,
        })
    }

    fn notes(&self) -> Map<String, Value> {
        let mut notes = self.remote.deal().notes();
        let requests: u64 = self.threads.iter().map(Server::requests).sum();
        notes.insert("requests_total".to_owned(), Value::from(requests));
        let fallback = self.threads.iter().find_map(|server| server.notice.clone());
        let told = self.remote.deal().notice.clone();
        let told: Vec<String> = told.into_iter().chain(fallback).collect();
        if !told.is_empty() {
            notes.insert(crate::NOTICE.to_owned(), Value::from(told.join("; ")));
        }
        notes
    }

    fn close(self, _failed: bool) -> Result<(), String> {
        self.threads.into_iter().try_for_each(Server::end)
    }
}

impl Server {
    fn start(cpu: usize, listener: Listener, value_bytes: usize) -> Result<Server, String> {
        let failed = |error: String| format!("the echo server: {error}");
        let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC);
        let wake = Arc::new(wake.map_err(|error| failed(error.to_string()))?);
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let (its_wake, its_shared) = (Arc::clone(&wake), Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            seawall_sys::pin::pin(cpu).map_err(|error| error.to_string())?;
            let entry = net::LOOPS.first().ok_or("no network loop is there")?;
            let mut opened = (entry.open)().map_err(|error| error.to_string())?;
            let heard = opened.net.listen(listener);
            heard.map_err(|error| error.to_string())?;
            let number = rustix::thread::gettid().as_raw_nonzero().get() as u32;
            // Whoever started this has ended if it does not listen.
            let _ = sender.send((number, opened.notice.take()));
            serve(&mut *opened.net, &its_wake, &its_shared, value_bytes)
                .map_err(|error| error.to_string())
        });
        let Ok((number, notice)) = receiver.recv() else {
            let ended = thread
                .join()
                .unwrap_or_else(|_| Err("it panicked".to_owned()));
            return Err(failed(ended.err().unwrap_or_default()));
        };
        Ok(Server {
            thread: Some(thread),
            number,
            notice,
            wake,
            shared,
        })
    }

    /// How many requests it has answered.
    fn requests(&self) -> u64 {
        // A count: nothing else is looked at by it.
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Ends the thread and waits for it.
    fn end(mut self) -> Result<(), String> {
        match self.join() {
            Some(Ok(ended)) => ended.map_err(|why| format!("the echo server: {why}")),
            Some(Err(_)) => Err("the echo server panicked".to_owned()),
            None => Ok(()),
        }
    }

    fn join(&mut self) -> Option<std::thread::Result<Result<(), String>>> {
        let thread = self.thread.take()?;
        // Release pairs with the Acquire in `serve`.
        self.shared.end.store(true, Ordering::Release);
        // Any number wakes, and so does a counter that is full.
        let _ = rustix::io::write(&self.wake, &[1; 8]);
        Some(thread.join())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.join();
    }
}

/// What is known of a connection's request under way.
#[derive(Default)]
struct Request {
    /// The length, as far as it came.
    head: [u8; HEAD_BYTES],
    head_bytes: usize,
    /// Bytes of it that are still to come.
    left: usize,
}

impl Request {
    /// How many requests end within `bytes`; `None` where they are no frames.
    fn ended_in(&mut self, mut bytes: &[u8]) -> Option<u64> {
        let mut ended = 0;
        while !bytes.is_empty() {
            if self.head_bytes < HEAD_BYTES {
                let taken = bytes.len().min(HEAD_BYTES - self.head_bytes);
                self.head[self.head_bytes..][..taken].copy_from_slice(&bytes[..taken]);
                self.head_bytes += taken;
                bytes = &bytes[taken..];
                if self.head_bytes < HEAD_BYTES {
                    break;
                }
                self.left = head(self.head);
                if self.left > REQUEST_BYTES_MAX {
                    return None;
                }
            }
            let taken = bytes.len().min(self.left);
            self.left -= taken;
            bytes = &bytes[taken..];
            if self.left == 0 {
                self.head_bytes = 0;
                ended += 1;
            }
        }
        Some(ended)
    }
}

/// A frame that is as long as the reply to a `GET` of so many bytes.
fn reply(value_bytes: usize) -> Vec<u8> {
    let mut reply = ReplyBuf::default();
    reply.bulk(&vec![b'v'; value_bytes]);
    let len = reply.as_bytes().len();
    let mut framed = Vec::new();
    frame(&mut framed, |out| out.resize(len.max(HEAD_BYTES), b'v'));
    framed
}

/// Answers requests until it is told to end.
fn serve(
    net: &mut dyn Net,
    wake: &OwnedFd,
    shared: &Shared,
    value_bytes: usize,
) -> std::io::Result<()> {
    let reply = reply(value_bytes);
    let replies = reply.repeat(REPLIES);
    let mut requests: HashMap<Token, Request> = HashMap::new();
    let mut owed: Vec<(Token, u64)> = Vec::new();
    let mut strange: Vec<Token> = Vec::new();
    // Pairs with the Release in `join`.
    while !shared.end.load(Ordering::Acquire) {
        net.turn(SLEEP, wake.as_fd(), &mut |event| match event {
            Event::Received { conn, bytes } => {
                match requests.entry(conn).or_default().ended_in(bytes) {
                    Some(ended) => owed.push((conn, ended)),
                    None => strange.push(conn),
                }
            }
            Event::Ended { conn } => strange.push(conn),
            Event::Closed { conn } => {
                requests.remove(&conn);
            }
            Event::Accepted { .. } | Event::Sent { .. } => {}
        })?;
        for (conn, ended) in owed.drain(..) {
            let mut left = ended as usize;
            while left > 0 {
                let now = left.min(REPLIES);
                net.send(conn, &replies[..now * reply.len()]);
                left -= now;
            }
            // As in `Server::requests`.
            shared.requests.fetch_add(ended, Ordering::Relaxed);
        }
        for conn in strange.drain(..) {
            net.close(conn);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_however_they_are_cut() {
        let mut bytes = Vec::new();
        for len in [0, 1, 300, 5, 0, 70_000] {
            frame(&mut bytes, |out| out.resize(out.len() + len, 7));
        }
        for step in [1, 2, 3, 7, 100, bytes.len()] {
            let mut request = Request::default();
            let ended: u64 = bytes
                .chunks(step)
                .map(|part| request.ended_in(part).expect("frames"))
                .sum();
            assert_eq!(ended, 6, "in steps of {step}");
        }
        assert_eq!(Request::default().ended_in(&[0xff; 4]), None);
    }

    #[test]
    fn every_thread_has_its_share_of_the_connections() {
        use std::io::{Read, Write};

        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::tcp(anywhere, BACKLOG).expect("a port");
        let address = listener.address().expect("an address");
        let allowed = seawall_sys::pin::allowed();
        let servers: Vec<Server> = [allowed[0], allowed[allowed.len() - 1]]
            .iter()
            .map(|&cpu| Server::start(cpu, listener.share().expect("a descriptor"), 100))
            .collect::<Result<_, _>>()
            .expect("they start");
        // Connections are led to others only after these had a turn.
        let mut streams = Vec::new();
        let mut request = Vec::new();
        frame(&mut request, |out| out.extend(b"get"));
        for _ in 0..16 {
            let mut stream = std::net::TcpStream::connect(address).expect("it listens");
            stream.write_all(&request).expect("it reads");
            let mut answer = vec![0; reply(100).len()];
            stream.read_exact(&mut answer).expect("it answers");
            streams.push(stream);
        }
        let counts: Vec<u64> = servers.iter().map(Server::requests).collect();
        assert_eq!(counts.iter().sum::<u64>(), 16);
        assert!(counts.iter().all(|&count| count >= 4), "{counts:?}");
        for server in servers {
            server.end().expect("it ends");
        }
    }
}
