//! How connections spread over workers: one listening socket that each accepts on for itself, one each
//! on a common port (`SO_REUSEPORT`), or one that all share and whose connections they hand on.
//!
//! Two loops echo on two threads. A client opens its connections (one after another, as a pool does when
//! it fills, or in a burst) and then uses them all. What counts is how evenly they fell, how long they
//! took to be served, and the processor time of the loops. `--test` runs each case once, small.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket, sockopt};
use seawall_server::net::{Entry, Event, LOOPS, Listener};
use seawall_sys::usage::thread_cpu;

const WORKERS: usize = 2;
const BACKLOG: u32 = 4096;

/// A way to share a port.
#[derive(Clone, Copy, PartialEq)]
enum Sharing {
    /// Clones of one listening socket, strangers to each other: who accepts keeps.
    Clones,
    /// A listening socket each; the kernel chooses by a hash of the addresses.
    Port,
    /// One listening socket; who accepts leads to who has the fewest ([`Listener::share`]).
    Lobby,
}

impl Sharing {
    fn name(self) -> &'static str {
        match self {
            Sharing::Clones => "clones",
            Sharing::Port => "port",
            Sharing::Lobby => "lobby",
        }
    }
}

/// A listener for each worker.
fn listeners(sharing: Sharing) -> (SocketAddr, Vec<Listener>) {
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let first = listener(sharing, any);
    let address = first.local_addr().expect("it is bound");
    let clone = || first.try_clone().expect("a descriptor").into();
    let listeners = match sharing {
        Sharing::Clones => (0..WORKERS).map(|_| clone()).collect(),
        Sharing::Port => (1..WORKERS)
            .map(|_| listener(sharing, address).into())
            .chain([clone()])
            .collect(),
        Sharing::Lobby => {
            let shared: Listener = clone();
            let share = |_| shared.share().expect("a descriptor");
            (0..WORKERS).map(share).collect()
        }
    };
    (address, listeners)
}

fn listener(sharing: Sharing, address: SocketAddr) -> TcpListener {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    sockopt::set_socket_reuseport(&socket, sharing == Sharing::Port).expect("the option");
    bind(&socket, &address).expect("the port is free");
    listen(&socket, BACKLOG as i32).expect("it listens");
    TcpListener::from(socket)
}

/// What one worker did.
#[derive(Default)]
struct Share {
    accepted: AtomicUsize,
    cpu_us: AtomicUsize,
}

fn work(entry: &Entry, listener: Listener, share: &Share, ready: &Barrier, stop: &AtomicBool) {
    let mut net = (entry.open)().expect("a loop").net;
    net.listen(listener).expect("it listens");
    let wake = eventfd(0, EventfdFlags::NONBLOCK).expect("a descriptor");
    let begin = thread_cpu();
    let mut echo = Vec::new();
    net.turn(Duration::ZERO, wake.as_fd(), &mut |event| {
        panic!("{event:?}")
    })
    .expect("the loop runs");
    ready.wait();
    while !stop.load(Ordering::Relaxed) {
        net.turn(
            Duration::from_millis(5),
            wake.as_fd(),
            &mut |event| match event {
                Event::Accepted { .. } => {
                    share.accepted.fetch_add(1, Ordering::Relaxed);
                }
                Event::Received { conn, bytes } => echo.push((conn, bytes.to_vec())),
                _ => {}
            },
        )
        .expect("the loop runs");
        for (conn, bytes) in echo.drain(..) {
            net.send(conn, &bytes);
        }
    }
    let spent = thread_cpu().saturating_sub(begin);
    share
        .cpu_us
        .store(spent.as_micros() as usize, Ordering::Relaxed);
}

fn ask(stream: &mut TcpStream) {
    let mut answer = [0; 4];
    stream.write_all(b"ping").expect("the loop is there");
    stream.read_exact(&mut answer).expect("the loop answers");
}

/// The share of the busiest worker, how long it took, and the loops' processor time.
fn measure(
    entry: &'static Entry,
    sharing: Sharing,
    connections: usize,
    burst: bool,
) -> (f64, Duration, usize) {
    let (address, listeners) = listeners(sharing);
    let ready = Arc::new(Barrier::new(WORKERS + 1));
    let stop = Arc::new(AtomicBool::new(false));
    let shares: Vec<_> = (0..WORKERS).map(|_| Arc::new(Share::default())).collect();
    let workers: Vec<_> = listeners
        .into_iter()
        .zip(&shares)
        .map(|(listener, share)| {
            let (share, ready, stop) = (share.clone(), ready.clone(), stop.clone());
            thread::spawn(move || work(entry, listener, &share, &ready, &stop))
        })
        .collect();
    ready.wait();
    let begin = Instant::now();
    let mut streams = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut stream = TcpStream::connect(address).expect("the port is there");
        if !burst {
            ask(&mut stream);
        }
        streams.push(stream);
    }
    for _ in 0..4 {
        streams.iter_mut().for_each(ask);
    }
    let took = begin.elapsed();
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().expect("the loop ran");
    }
    let accepted = |share: &Arc<Share>| share.accepted.load(Ordering::Relaxed);
    assert_eq!(shares.iter().map(accepted).sum::<usize>(), connections);
    let busiest = shares.iter().map(accepted).max().unwrap_or(0);
    let cpu = shares
        .iter()
        .map(|share| share.cpu_us.load(Ordering::Relaxed))
        .sum();
    (busiest as f64 / connections as f64, took, cpu)
}

fn main() {
    let test = std::env::args().any(|arg| arg == "--test");
    let rounds = if test { 1 } else { 9 };
    let cases: &[usize] = if test { &[10] } else { &[10, 50, 2000] };
    println!(
        "loop   sharing  arrival  connections  busiest worker's share   time     loops' CPU   (medians; worst share)"
    );
    for entry in LOOPS {
        for &connections in cases {
            for burst in [false, true] {
                for sharing in [Sharing::Clones, Sharing::Port, Sharing::Lobby] {
                    let mut runs: Vec<_> = (0..rounds)
                        .map(|_| measure(entry, sharing, connections, burst))
                        .collect();
                    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
                    let (share, worst) = (runs[rounds / 2].0, runs[rounds - 1].0);
                    runs.sort_by_key(|run| run.1);
                    let took = runs[rounds / 2].1;
                    runs.sort_by_key(|run| run.2);
                    println!(
                        "{:6} {:8} {:8} {connections:11} {share:23.2} {took:8.1?} {:9} us   ({worst:.2})",
                        entry.name,
                        sharing.name(),
                        if burst { "burst" } else { "pool" },
                        runs[rounds / 2].2,
                    );
                }
            }
        }
    }
}
