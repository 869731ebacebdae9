//! As many clients as may be, and junk from many of them.

use std::io::{Read, Write};

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_sys::limit::raise_descriptors;
use seawall_sys::usage::resident_bytes;

use crate::client::Server;
use crate::{alone, connect, say};

/// Descriptors that the rest of the process may need.
const RESERVE: u64 = 1_000;

#[test]
fn ten_thousand_clients() {
    let _alone = alone();
    // Both ends are in this process.
    let allowed = raise_descriptors(20_000 + RESERVE).unwrap();
    let crowd = (allowed.saturating_sub(RESERVE) / 2).min(10_000) as usize;
    let server = Server::start(2, &["tcp-backlog=4096"]);
    let before = resident_bytes().unwrap();
    let mut streams: Vec<_> = (0..crowd).map(|_| connect(&server)).collect();
    for (number, stream) in streams.iter_mut().enumerate() {
        write!(stream, "SET key:{number} {number}\r\nGET key:{number}\r\n").unwrap();
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        let expected = format!("+OK\r\n${}\r\n{number}\r\n", number.to_string().len());
        let mut heard = vec![0; expected.len()];
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(heard, expected.as_bytes());
    }
    let each = resident_bytes().unwrap().saturating_sub(before) / crowd as u64;
    println!("{crowd} clients ({allowed} descriptors allowed), {each} bytes each");
    assert!(each < 16 << 10, "{each} bytes for a client that is idle");
    assert_eq!(
        say(&server, b"DBSIZE\r\n"),
        format!(":{crowd}\r\n").as_bytes()
    );
}

/// Random bytes, some of them beginning as a command does: each client is answered or closed, and the
/// server serves on.
#[test]
fn junk_is_survived() {
    const CLIENTS: u64 = 300;
    let _alone = alone();
    let server = Server::start(2, &[]);
    for seed in 0..CLIENTS {
        // A hang or a crash names the seed by being the last.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut bytes = match seed % 4 {
            0 => b"*3\r\n$3\r\nSET\r\n".to_vec(),
            1 => b"*2\r\n$4\r\nECHO\r\n$10\r\n".to_vec(),
            2 => b"PING \"".to_vec(),
            _ => Vec::new(),
        };
        let mut junk = vec![0; random.random_range(1..20_000)];
        random.fill_bytes(&mut junk);
        bytes.extend(junk);
        // It closes, or the test fails by its timeout.
        say(&server, &bytes);
    }
    assert_eq!(say(&server, b"PING\r\n"), b"+PONG\r\n");
}
