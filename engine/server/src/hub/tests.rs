//! Turns without a kernel: what clients send is given to a hub, and what it sends is counted.

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use seawall_store::{Store, StoreConfig};

use super::Hub;
use crate::config::{Live, Settings};
use crate::connection::{Budget, Language};
use crate::net::{Event, Listener, Net, Token};
use crate::server::Server;

/// A network that only keeps what is to be sent.
#[derive(Default)]
struct Ears(HashMap<u64, Vec<u8>>);

impl Net for Ears {
    fn listen(&mut self, _: Listener) -> io::Result<usize> {
        Ok(0)
    }
    fn deafen(&mut self) {}
    fn keep_alive(&mut self, _: u32) -> io::Result<()> {
        Ok(())
    }
    fn turn(
        &mut self,
        _: Duration,
        _: BorrowedFd<'_>,
        _: &mut dyn FnMut(Event<'_>),
    ) -> io::Result<()> {
        Ok(())
    }
    fn send(&mut self, conn: Token, bytes: &[u8]) {
        let heard = self.0.entry(conn.index() as u64).or_default();
        heard.extend_from_slice(bytes);
    }
    fn queued(&self, _: Token) -> usize {
        0
    }
    fn pause(&mut self, _: Token, _: bool) {}
    fn close(&mut self, _: Token) {}
    fn close_after_sending(&mut self, _: Token) {}
    fn connections(&self) -> usize {
        0
    }
}

/// A hub whose clients speak `language`, and of which each turn runs one command or one run of them.
fn hub(language: Language, clients: u64) -> Hub {
    let config = StoreConfig {
        shards: 1,
        ..StoreConfig::default()
    };
    let store = Store::open(config).unwrap();
    let live = Live::new(Settings::default(), None);
    let server = Arc::new(Server::new(store, live, "0".repeat(40)));
    let worker = server.store.attach().unwrap();
    let mut hub = Hub::new(server, worker, vec![("127.0.0.1:1".to_owned(), language)]);
    hub.budget = Budget::of(Duration::ZERO);
    for client in 0..clients {
        hub.event(Event::Accepted {
            conn: Token::from_bits(client),
            listener: 0,
            peer: "127.0.0.1:2".to_owned(),
        });
    }
    hub
}

/// One turn, in which clients send; the clients that were answered, and how many lines.
fn turn(hub: &mut Hub, sent: &[(u64, &[u8])]) -> Vec<(u64, usize)> {
    hub.sleep(Duration::ZERO);
    for &(client, bytes) in sent {
        let conn = Token::from_bits(client);
        hub.event(Event::Received { conn, bytes });
    }
    hub.rouse();
    hub.turn();
    let mut ears = Ears::default();
    hub.flush(&mut ears);
    let lines = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).lines().count();
    let mut heard: Vec<_> = ears.0.into_iter().map(|(at, b)| (at, lines(b))).collect();
    heard.sort_unstable();
    heard
}

/// Who is answered in each turn, and how much, where three clients send `commands` at once and a fourth sends
/// one of them in the turn after.
fn turns(language: Language, commands: &[u8], one: &[u8]) -> Vec<(u64, usize)> {
    let mut hub = hub(language, 4);
    let mut answered = Vec::new();
    let first = [(0, commands), (1, commands), (2, commands)];
    for sent in [&first[..], &[(3, one)], &[], &[], &[], &[], &[], &[], &[]] {
        let heard = turn(&mut hub, sent);
        assert!(heard.len() <= 1, "one budget for all: {heard:?}");
        answered.extend(heard);
    }
    answered
}

#[test]
fn all_clients_share_a_turn_and_who_waits_longest_goes_first() {
    let get = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    assert_eq!(
        turns(Language::Resp, &get.repeat(64), get),
        [(0, 32), (1, 32), (2, 32), (0, 32), (3, 1), (1, 32), (2, 32)]
    );
    let get = b"get k\r\n";
    assert_eq!(
        turns(Language::Memcached, &get.repeat(64), get),
        [(0, 32), (1, 32), (2, 32), (0, 32), (3, 1), (1, 32), (2, 32)]
    );
}

#[test]
fn commands_that_take_the_long_way_share_it_too() {
    let ping = b"PING\r\n";
    assert_eq!(
        turns(Language::Resp, &ping.repeat(2), ping),
        [(0, 1), (1, 1), (2, 1), (0, 1), (3, 1), (1, 1), (2, 1)]
    );
}

/// Some of memcached's clients lose what of an answer comes before its last piece.
#[test]
fn a_budget_that_is_spent_within_an_answer_does_not_split_it() {
    let mut hub = hub(Language::Memcached, 1);
    let set = b"set k 0 0 1\r\nx\r\n".as_slice();
    assert_eq!(turn(&mut hub, &[(0, set)]), [(0, 1)]);
    let gat = b"gat 0 k\r\n";
    assert_eq!(turn(&mut hub, &[(0, &gat.repeat(2))]), [(0, 3)]);
    assert_eq!(turn(&mut hub, &[]), [(0, 3)]);
}

#[test]
fn what_fits_into_the_budget_is_answered_at_once() {
    let mut hub = hub(Language::Resp, 3);
    hub.budget = Budget::of(Duration::from_hours(1));
    let pings = b"PING\r\n".repeat(600);
    let gets = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".repeat(600);
    let heard = turn(&mut hub, &[(0, &pings), (1, &gets), (2, b"PING\r\n")]);
    assert_eq!(heard, [(0, 600), (1, 600), (2, 1)]);
}

#[test]
fn long_commands_end_a_turn_one_by_one_and_none_is_lost() {
    let hset = b"*6\r\n$4\r\nHSET\r\n$1\r\nh\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n";
    let mut hub = hub(Language::Resp, 2);
    let all = hset.repeat(40);
    let mut answered = [0, 0];
    for number in 0..80 {
        let sent = [(0, &all[..]), (1, &all[..])];
        let sent = if number == 0 { &sent[..] } else { &[] };
        let heard = turn(&mut hub, sent);
        assert_eq!(heard, [(number % 2, 1)]);
        answered[heard[0].0 as usize] += 1;
    }
    assert_eq!(answered, [40, 40]);
    assert_eq!(turn(&mut hub, &[]), []);
}
