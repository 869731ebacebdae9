//! Clients that mean no good, against a whole server: what they are told, and what they cost.
//!
//! - [`protocol`]: bytes that are no protocol, or hardly; Redis's own answers are the measure.
//! - [`memory`]: clients that promise, hoard, and do not read; what the process holds is bounded.
//! - [`crowd`]: as many as may be, and junk from all of them.
//! - [`memcached`]: the same from Memcached's clients.

#[path = "../serve/client.rs"]
#[expect(
    dead_code,
    reason = "these tests say bytes, and seldom read replies whole"
)]
mod client;
mod crowd;
mod memcached;
mod memory;
mod protocol;
#[path = "../net/visitors.rs"]
mod visitors;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::Server;

/// One test at a time: they measure the process that they share.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection without a protocol.
fn connect(server: &Server) -> TcpStream {
    connect_to(server.running().addresses()[0])
}

fn connect_to(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// Says all of `bytes`, then no more, and hears everything until the server closes.
fn say(server: &Server, bytes: &[u8]) -> Vec<u8> {
    say_to(server.running().addresses()[0], bytes)
}

fn say_to(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect_to(address);
    // The server may close before it has heard all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "it closes"),
    }
    heard
}
