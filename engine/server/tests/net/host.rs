//! A loop on a thread of its own, with a service that answers, and a ledger that watches the events.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use seawall_server::net::{Event, Listener, Net, Opened, Token};

/// An event that outlives its call.
#[derive(Debug)]
pub enum Happened {
    Accepted(Token, usize, String),
    Received(Token, Vec<u8>),
    Ended(Token),
    Sent(Token),
    Closed(Token),
}

impl From<Event<'_>> for Happened {
    fn from(event: Event<'_>) -> Happened {
        match event {
            Event::Accepted {
                conn,
                listener,
                peer,
            } => Happened::Accepted(conn, listener, peer),
            Event::Received { conn, bytes } => Happened::Received(conn, bytes.to_vec()),
            Event::Ended { conn } => Happened::Ended(conn),
            Event::Sent { conn, .. } => Happened::Sent(conn),
            Event::Closed { conn } => Happened::Closed(conn),
        }
    }
}

/// What is done about events, after each turn.
pub trait Service: Send + 'static {
    fn react(&mut self, net: &mut dyn Net, happened: Happened);

    /// After all that a turn told.
    fn turned(&mut self, _net: &mut dyn Net) {}
}

/// Sends back what comes, and closes when the peer has ended.
pub struct Echo;

impl Service for Echo {
    fn react(&mut self, net: &mut dyn Net, happened: Happened) {
        match happened {
            Happened::Received(conn, bytes) => net.send(conn, &bytes),
            Happened::Ended(conn) => net.close_after_sending(conn),
            _ => {}
        }
    }
}

/// Holds that events come in the order promised, and to the connections that they name.
#[derive(Default)]
pub struct Ledger {
    /// Open connections by place, and whether their peer has ended.
    open: HashMap<usize, (Token, bool)>,
    /// Ever accepted.
    pub accepted: usize,
    pub closed: usize,
}

impl Ledger {
    pub fn enter(&mut self, happened: &Happened) {
        match happened {
            Happened::Accepted(conn, ..) => {
                let before = self.open.insert(conn.index(), (*conn, false));
                assert!(before.is_none(), "{conn:?} accepted in place of {before:?}");
                self.accepted += 1;
            }
            Happened::Received(conn, bytes) => {
                assert!(!*self.ended(*conn), "{conn:?} received after its end");
                assert!(!bytes.is_empty(), "{conn:?} received nothing");
            }
            Happened::Ended(conn) => {
                let ended = self.ended(*conn);
                assert!(!*ended, "{conn:?} ended twice");
                *ended = true;
            }
            Happened::Sent(conn) => {
                self.ended(*conn);
            }
            Happened::Closed(conn) => {
                self.ended(*conn);
                self.open.remove(&conn.index());
                self.closed += 1;
            }
        }
    }

    fn ended(&mut self, conn: Token) -> &mut bool {
        let (open, ended) = self
            .open
            .get_mut(&conn.index())
            .expect("its place is taken");
        assert_eq!(*open, conn, "another one's token");
        ended
    }

    pub fn open(&self) -> usize {
        self.open.len()
    }
}

/// What a host found when it stopped.
pub struct Report<S> {
    pub ledger: Ledger,
    pub service: S,
    /// As the loop counts them.
    pub connections: usize,
}

/// How a loop is made. It belongs to the thread that makes it.
pub type Make = fn() -> io::Result<Opened>;

/// A running loop.
pub struct Host<S> {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    wake: Arc<OwnedFd>,
    thread: JoinHandle<Report<S>>,
}

impl<S: Service> Host<S> {
    /// A loop that listens on a port of the loopback.
    pub fn start(make: Make, service: S) -> Host<S> {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), 4096).unwrap();
        let address = listener.address().unwrap();
        Host::on(make, service, vec![listener], address)
    }

    pub fn on(make: Make, service: S, on: Vec<Listener>, address: SocketAddr) -> Host<S> {
        let stop = Arc::new(AtomicBool::new(false));
        let wake = Arc::new(new_wake());
        let (stopped, woken) = (stop.clone(), wake.clone());
        let (hear, heard) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut net = make().unwrap().net;
            for (number, listener) in on.into_iter().enumerate() {
                assert_eq!(net.listen(listener).unwrap(), number);
            }
            // From its first turn on, other loops may lead connections to it.
            let quiet = &mut |event: Event<'_>| panic!("{event:?} before anyone knows the port");
            net.turn(Duration::ZERO, woken.as_fd(), quiet).unwrap();
            hear.send(()).unwrap();
            run(&mut *net, service, &stopped, &woken)
        });
        heard.recv().unwrap();
        Host {
            address,
            stop,
            wake,
            thread,
        }
    }

    /// Stops the loop, without a word to the peers.
    pub fn stop(self) -> Report<S> {
        self.stop.store(true, Ordering::SeqCst);
        wake(&self.wake);
        self.thread.join().unwrap()
    }

    /// Stops when nobody is connected any more; panics when somebody still is after ten seconds.
    pub fn stop_when_empty(self) -> Report<S> {
        let mut waited = 0;
        while connected_to(self.address.port()) && waited < 100 {
            thread::sleep(Duration::from_millis(100));
            waited += 1;
        }
        let report = self.stop();
        assert_eq!(report.connections, 0, "connections are left");
        report
    }
}

fn run<S: Service>(
    net: &mut dyn Net,
    mut service: S,
    stopped: &AtomicBool,
    woken: &OwnedFd,
) -> Report<S> {
    let mut ledger = Ledger::default();
    let mut happened = Vec::new();
    // Two more turns tell of what the last answers closed.
    let mut after = 0;
    while after < 3 {
        after += usize::from(stopped.load(Ordering::SeqCst));
        let wait = Duration::from_secs(u64::from(after == 0) * 20);
        net.turn(wait, woken.as_fd(), &mut |event| {
            happened.push(Happened::from(event));
        })
        .unwrap();
        for happened in happened.drain(..) {
            ledger.enter(&happened);
            service.react(net, happened);
        }
        service.turned(net);
    }
    assert_eq!(ledger.open(), net.connections());
    Report {
        connections: net.connections(),
        ledger,
        service,
    }
}

/// Whether a socket of this machine still has an established connection with `port` on its own side, by
/// the kernel's table.
fn connected_to(port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let own = words.next().is_some_and(|own| own.ends_with(&local));
        // 0A is LISTEN, 06 TIME_WAIT, 04 and 05 FIN_WAIT: the process has let go of the last three.
        let state = words.nth(1).unwrap_or_default();
        own && ["01", "08"].contains(&state)
    })
}

pub fn new_wake() -> OwnedFd {
    eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).unwrap()
}

#[expect(
    clippy::host_endian_bytes,
    reason = "an eventfd counts in the machine's words"
)]
pub fn wake(fd: &OwnedFd) {
    rustix::io::write(fd, &1u64.to_ne_bytes()).unwrap();
}
