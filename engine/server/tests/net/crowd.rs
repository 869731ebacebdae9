//! Many connections at once, many one after another, and what goes wrong among them.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_server::net::{Net, Token};

use crate::each_loop;
use crate::host::{Echo, Happened, Host, Ledger, Service};
use crate::visitors::{Visitors, was_called};

#[test]
fn ten_thousand_connections() {
    // Each says its own number, all of them before any is answered.
    let line = |number: usize, round| format!("{:09}\n", number * 2 + round);
    if was_called(|number, round| (line(number, round), line(number, round))) {
        return;
    }
    let crowd = Visitors::count(10_000);
    each_loop(|make| {
        let host = Host::start(make, Echo);
        let test = "crowd::ten_thousand_connections";
        Visitors::send(test, host.address, crowd).leave();
        let report = host.stop_when_empty();
        assert_eq!(report.ledger.accepted, crowd);
        assert_eq!(report.ledger.closed, crowd);
    });
}

/// A visitor's ways to leave.
#[derive(Clone, Copy)]
enum Leaving {
    /// Closes at once.
    AtOnce,
    /// Resets, with bytes on the way.
    Reset,
    /// Says something, hears it, closes.
    Politely,
    /// Says something and closes without hearing.
    Deaf,
}

fn visit(address: SocketAddr, number: u64, leaving: Leaving) {
    let mut stream = TcpStream::connect(address).unwrap();
    let said = number.to_be_bytes();
    match leaving {
        Leaving::AtOnce => {}
        Leaving::Reset => {
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            stream.write_all(&said).unwrap();
        }
        Leaving::Politely => {
            stream.write_all(&said).unwrap();
            let mut heard = [0; 8];
            stream.read_exact(&mut heard).unwrap();
            assert_eq!(heard, said, "another one's bytes");
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(stream.read(&mut heard).unwrap(), 0);
        }
        Leaving::Deaf => stream.write_all(&said).unwrap(),
    }
}

/// Some visitors come and go in every way, `seed` telling how.
fn flood(address: SocketAddr, visitors: u64, seed: u64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for number in 0..visitors {
        let leaving = match random.random_range(0..4) {
            0 => Leaving::AtOnce,
            1 => Leaving::Reset,
            2 => Leaving::Politely,
            _ => Leaving::Deaf,
        };
        visit(address, seed << 32 | number, leaving);
    }
}

#[test]
fn a_flood_of_comings_and_goings() {
    const VISITORS: u64 = 1_500;
    each_loop(|make| {
        let host = Host::start(make, Echo);
        let address = host.address;
        let floods = [1, 2, 3].map(|seed| thread::spawn(move || flood(address, VISITORS, seed)));
        for flood in floods {
            flood.join().unwrap();
        }
        let report = host.stop_when_empty();
        // One that was reset in the backlog may never have been seen.
        assert!(report.ledger.accepted <= 3 * VISITORS as usize);
        assert!(report.ledger.accepted >= VISITORS as usize);
        assert_eq!(report.ledger.accepted, report.ledger.closed);
    });
}

/// Echoes, and after each turn writes to, pauses and closes connections that are no more.
#[derive(Default)]
struct Haunting {
    gone: HashSet<Token>,
    places: HashSet<usize>,
}

impl Service for Haunting {
    fn react(&mut self, net: &mut dyn Net, happened: Happened) {
        match &happened {
            Happened::Accepted(conn, ..) => {
                self.places.insert(conn.index());
            }
            Happened::Closed(conn) => {
                self.gone.insert(*conn);
            }
            _ => {}
        }
        Echo.react(net, happened);
    }

    fn turned(&mut self, net: &mut dyn Net) {
        for gone in &self.gone {
            net.send(*gone, b"from the grave");
            assert_eq!(net.queued(*gone), 0);
            net.pause(*gone, true);
            net.close_after_sending(*gone);
            net.close(*gone);
        }
        // The latest ones are those whose places are taken next.
        if self.gone.len() > 64 {
            self.gone.clear();
        }
    }
}

#[test]
fn a_token_never_means_its_successor() {
    const VISITORS: u64 = 1_000;
    each_loop(|make| {
        let host = Host::start(make, Haunting::default());
        let address = host.address;
        let visits = [5, 6].map(|seed| {
            thread::spawn(move || {
                for number in 0..VISITORS {
                    visit(address, seed << 32 | number, Leaving::Politely);
                }
            })
        });
        for visit in visits {
            visit.join().unwrap();
        }
        let report = host.stop_when_empty();
        assert_eq!(report.ledger.accepted, 2 * VISITORS as usize);
        let places = report.service.places.len();
        assert!(places < 100, "{places} places for two at a time");
    });
}

/// Closes every connection as soon as it speaks, while the kernel still has operations on it.
struct Rude;

impl Service for Rude {
    fn react(&mut self, net: &mut dyn Net, happened: Happened) {
        match happened {
            Happened::Received(conn, _) => {
                net.send(conn, &vec![7; 100_000]);
                net.close(conn);
                net.send(conn, b"too late");
                assert_eq!(net.queued(conn), 0);
            }
            Happened::Ended(conn) => net.close(conn),
            _ => {}
        }
    }
}

#[test]
fn closing_drops_what_is_queued() {
    each_loop(|make| {
        let host = Host::start(make, Rude);
        for _ in 0..200 {
            let mut stream = TcpStream::connect(host.address).unwrap();
            stream.write_all(b"hello").unwrap();
            let mut heard = Vec::new();
            // An end or a reset, according to what was on its way.
            let _ = stream.read_to_end(&mut heard);
            assert_eq!(heard, b"", "what was queued is dropped");
        }
        let report = host.stop_when_empty();
        assert_eq!((report.ledger.accepted, report.ledger.closed), (200, 200));
    });
}

/// The ledger is what holds the order of events in every test here: it must see a loop that breaks it.
mod ledger {
    use super::{Happened, Ledger};
    use seawall_server::net::{Net as _, epoll::Epoll};

    /// A real token, and one of its successor in the same place.
    fn tokens() -> [seawall_server::net::Token; 2] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut net = Epoll::new().unwrap();
        net.listen(listener.into()).unwrap();
        let wake = crate::host::new_wake();
        let mut accept = || {
            let stream = std::net::TcpStream::connect(address).unwrap();
            let mut accepted = None;
            while accepted.is_none() {
                let wait = std::time::Duration::from_secs(1);
                let wake = std::os::fd::AsFd::as_fd(&wake);
                net.turn(wait, wake, &mut |event| {
                    if let Happened::Accepted(conn, ..) = event.into() {
                        accepted = Some(conn);
                    }
                })
                .unwrap();
            }
            drop(stream);
            net.close(accepted.unwrap());
            accepted.unwrap()
        };
        [accept(), accept()]
    }

    fn broken(events: impl FnOnce(&mut Ledger)) {
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            events(&mut Ledger::default());
        }));
        assert!(broken.is_err(), "the ledger did not see it");
    }

    #[test]
    fn sees_what_is_broken() {
        let [one, successor] = tokens();
        assert_eq!(one.index(), successor.index());
        let accepted = |conn| Happened::Accepted(conn, 0, String::new());
        broken(|ledger| ledger.enter(&Happened::Received(one, vec![1])));
        broken(|ledger| {
            ledger.enter(&accepted(one));
            ledger.enter(&Happened::Received(successor, vec![1]));
        });
        broken(|ledger| {
            ledger.enter(&accepted(one));
            ledger.enter(&accepted(successor));
        });
        broken(|ledger| {
            ledger.enter(&accepted(one));
            ledger.enter(&Happened::Closed(one));
            ledger.enter(&Happened::Closed(one));
        });
        broken(|ledger| {
            ledger.enter(&accepted(one));
            ledger.enter(&Happened::Ended(one));
            ledger.enter(&Happened::Received(one, vec![1]));
        });
        broken(|ledger| {
            ledger.enter(&accepted(one));
            ledger.enter(&Happened::Received(one, Vec::new()));
        });
    }
}
