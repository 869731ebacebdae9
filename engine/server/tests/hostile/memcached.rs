//! Memcached's clients that mean no good: the same bounds hold for them.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_sys::usage::resident_bytes;

use crate::client::Server;
use crate::{alone, connect_to, say_to};

const MB: u64 = 1 << 20;

/// A server that has served already, where its Memcached's clients go, and what the process holds.
fn begin(settings: &[&str]) -> (Server, SocketAddr, u64) {
    let port = format!("memcached-port={}", seawall_sys::port::free().unwrap());
    let server = Server::start(2, &[settings, &[port.as_str()]].concat());
    let address = server.running().memcached_addresses()[0];
    assert_eq!(say_to(address, b"mn\r\n"), b"MN\r\n");
    (server, address, resident_bytes().unwrap())
}

/// How many bytes the process has grown by since `before`.
fn grown(before: u64) -> u64 {
    resident_bytes().unwrap().saturating_sub(before)
}

/// A short line asks for gigabytes, which are made as they are read.
#[test]
fn one_line_is_not_answered_ahead_of_who_reads() {
    let _alone = alone();
    let (_server, address, before) = begin(&[]);
    let mut asking = connect_to(address);
    let value = "x".repeat(1_000_000);
    let set = format!("set k 0 0 1000000\r\n{value}\r\n");
    asking.write_all(set.as_bytes()).unwrap();
    asking.read_exact(&mut [0; 8]).unwrap();
    let keys = 500;
    asking
        .write_all(format!("get{}\r\n", " k".repeat(keys)).as_bytes())
        .unwrap();
    let begin = Instant::now();
    let mut most = 0;
    while begin.elapsed() < Duration::from_secs(2) {
        most = grown(before).max(most);
        thread::sleep(Duration::from_millis(10));
    }
    assert!(most < 200 * MB, "{most} bytes are held");
    let mut left = keys * (value.len() + b"VALUE k 0 1000000\r\n\r\n".len()) + b"END\r\n".len();
    let mut part = vec![0; 1 << 20];
    while left > 0 {
        let read = asking.read(&mut part).unwrap();
        assert!(read > 0, "{left} bytes are missing");
        left -= read;
    }
}

#[test]
fn a_block_that_is_promised_costs_nothing() {
    let _alone = alone();
    let (_server, address, before) = begin(&["memcached-item-size-max=1gb"]);
    let clients: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = connect_to(address);
            stream.write_all(b"set k 0 0 1000000000\r\nbegun").unwrap();
            stream
        })
        .collect();
    assert_eq!(say_to(address, b"mn\r\n"), b"MN\r\n");
    let grown = grown(before);
    assert!(grown < 64 * MB, "{grown} bytes for {}", clients.len());
}

#[test]
fn a_line_of_keys_without_end_is_cut_off() {
    let _alone = alone();
    let (_server, address, before) = begin(&["client-query-buffer-limit=1mb"]);
    let mut stream = connect_to(address);
    let mut written = 0_u64;
    let mut begun = b"get k".to_vec();
    let closed = loop {
        if stream.write_all(&begun).is_err() {
            break true;
        }
        written += begun.len() as u64;
        begun = b" k".repeat(8 << 10);
        if written > 64 * MB {
            break false;
        }
    };
    assert!(closed, "{written} bytes were taken");
    assert!(grown(before) < 64 * MB);
    assert_eq!(say_to(address, b"mn\r\n"), b"MN\r\n");
}

/// Random bytes behind the beginning of a request: each client is answered or closed, and the server serves
/// on.
#[test]
fn junk_is_survived() {
    let _alone = alone();
    let (_server, address, _) = begin(&[]);
    for seed in 0..200_u64 {
        // A hang or a crash names the seed by being the last.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut bytes = match seed % 5 {
            0 => b"set k 0 0 100\r\n".to_vec(),
            1 => b"get ".to_vec(),
            2 => b"ms k 9 ".to_vec(),
            3 => b"mg k ".to_vec(),
            _ => Vec::new(),
        };
        let mut junk = vec![0; random.random_range(1..20_000)];
        random.fill_bytes(&mut junk);
        bytes.extend(junk);
        say_to(address, &bytes);
    }
    assert_eq!(say_to(address, b"mn\r\n"), b"MN\r\n");
}
