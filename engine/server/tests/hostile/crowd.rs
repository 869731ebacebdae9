//! As many clients as may be, and junk from many of them.

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_sys::usage::resident_bytes;

use crate::client::Server;
use crate::visitors::{Visitors, was_called};
use crate::{alone, say};

#[test]
fn ten_thousand_clients() {
    let talk = |number: usize, _| {
        let len = number.to_string().len();
        (
            format!("SET key:{number} {number}\r\nGET key:{number}\r\n"),
            format!("+OK\r\n${len}\r\n{number}\r\n"),
        )
    };
    if was_called(talk) {
        return;
    }
    let _alone = alone();
    // One more asks how many keys there are.
    let crowd = Visitors::count(9_999);
    let server = Server::start(2, &["tcp-backlog=4096"]);
    let before = resident_bytes().unwrap();
    let address = server.running().addresses()[0];
    let visitors = Visitors::send("crowd::ten_thousand_clients", address, crowd);
    let each = resident_bytes().unwrap().saturating_sub(before) / crowd as u64;
    println!("{crowd} clients, {each} bytes each");
    assert!(each < 16 << 10, "{each} bytes for a client that is idle");
    assert_eq!(
        say(&server, b"DBSIZE\r\n"),
        format!(":{crowd}\r\n").as_bytes()
    );
    visitors.leave();
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
