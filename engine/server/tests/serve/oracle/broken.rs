//! The comparison proved by servers that are wrong on purpose: Redis behind a wire that alters what it says.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use seawall_store::reply::Protocol;

use super::campaign::schedule;
use super::grammar::lists;
use super::pair::Pair;
use super::redis::Redis;
use super::stream::play;

/// Passes on what clients and `server` say, with `wrong` in the place of `right` in answers. It ends with the
/// test's process.
pub fn wire(server: SocketAddr, right: &'static [u8], wrong: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(server) else {
                return;
            };
            let back = (server.try_clone(), client.try_clone());
            if let (Ok(from), Ok(to)) = back {
                thread::spawn(move || pass(from, to, |bytes| replace(bytes, right, wrong)));
            }
            thread::spawn(move || pass(client, server, |_| ()));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, alter: impl Fn(&mut [u8])) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        alter(&mut bytes[..len]);
        if to.write_all(&bytes[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn replace(bytes: &mut [u8], right: &[u8], wrong: &[u8]) {
    assert_eq!(right.len(), wrong.len());
    let mut at = 0;
    while at + right.len() <= bytes.len() {
        if bytes[at..].starts_with(right) {
            bytes[at..at + wrong.len()].copy_from_slice(wrong);
        }
        at += 1;
    }
}

/// Whether a server that says `wrong` for `right` is told apart from one that does not.
fn is_seen(right: &'static [u8], wrong: &'static [u8]) -> bool {
    let redis = Redis::start();
    let pair = Pair::with(wire(redis.address, right, wrong));
    let steps = schedule(&lists::FAMILY, 1);
    play(&pair, Protocol::Resp2, &steps, &mut BTreeSet::new()).is_some()
}

#[test]
fn an_altered_reply_is_seen() {
    assert!(is_seen(b"\r\n$2\r\ne1\r\n", b"\r\n$2\r\nE1\r\n"));
}

#[test]
fn a_swapped_order_is_seen() {
    assert!(is_seen(
        b"$2\r\ne1\r\n$2\r\ne2\r\n",
        b"$2\r\ne2\r\n$2\r\ne1\r\n"
    ));
}

#[test]
fn a_missing_event_is_seen() {
    assert!(is_seen(b"__:lpush\r\n", b"__:rpush\r\n"));
}

#[test]
fn redis_equals_redis() {
    assert!(!is_seen(b"nothing", b"nothing"));
}
