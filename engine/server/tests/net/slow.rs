//! Peers that do not read, and closing behind what they have yet to read.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use seawall_server::net::{Net, Token};

use crate::each_loop;
use crate::host::{Happened, Host, Service};

const ANSWER_BYTES: usize = 100_000;
const QUEUED_MAX: usize = 1 << 20;

/// Answers each byte with [`ANSWER_BYTES`], and takes no more requests while too much is queued.
#[derive(Default)]
struct Generous {
    queued_max: usize,
    received_in_turn: usize,
    received_in_turn_max: usize,
    paused: Vec<Token>,
    pauses: usize,
}

impl Service for Generous {
    fn react(&mut self, net: &mut dyn Net, happened: Happened) {
        match happened {
            Happened::Received(conn, bytes) => {
                self.received_in_turn += bytes.len();
                for byte in bytes {
                    net.send(conn, &vec![byte; ANSWER_BYTES]);
                }
                self.queued_max = self.queued_max.max(net.queued(conn));
                if net.queued(conn) > QUEUED_MAX && !self.paused.contains(&conn) {
                    net.pause(conn, true);
                    self.paused.push(conn);
                    self.pauses += 1;
                }
            }
            Happened::Sent(conn) if net.queued(conn) < QUEUED_MAX / 2 => {
                self.paused.retain(|paused| *paused != conn);
                net.pause(conn, false);
            }
            Happened::Ended(conn) => net.close_after_sending(conn),
            _ => {}
        }
    }

    fn turned(&mut self, _net: &mut dyn Net) {
        self.received_in_turn_max = self.received_in_turn_max.max(self.received_in_turn);
        self.received_in_turn = 0;
    }
}

/// A peer asks for 200 MB, one byte at a time, and reads nothing for a while.
#[test]
fn a_peer_that_never_reads_is_bounded_by_pausing() {
    const ASKED: usize = 2_000;
    each_loop(|make| {
        let host = Host::start(make, Generous::default());
        let mut stream = TcpStream::connect(host.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let writing = thread::spawn(move || {
            for i in 0..ASKED {
                writer.write_all(&[i as u8]).unwrap();
                // Requests come one by one, so that pausing has something to stop.
                if i % 20 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            writer.shutdown(Shutdown::Write).unwrap();
        });
        thread::sleep(Duration::from_millis(300));
        let mut answer = vec![0; ANSWER_BYTES];
        for i in 0..ASKED {
            stream.read_exact(&mut answer).unwrap();
            assert!(answer.iter().all(|&byte| byte == i as u8), "answer {i}");
        }
        assert_eq!(stream.read(&mut answer).unwrap(), 0, "closed behind it");
        writing.join().unwrap();
        let report = host.stop_when_empty();
        let service = report.service;
        // What one turn brings after the last look, and the pause's own delay of a turn.
        let bound = QUEUED_MAX + 3 * service.received_in_turn_max * ANSWER_BYTES;
        assert!(service.pauses > 0, "never paused");
        assert!(service.queued_max <= bound, "{} queued", service.queued_max);
        assert_eq!((report.ledger.accepted, report.ledger.closed), (1, 1));
    });
}

/// Says a lot and hangs up.
struct Parting;

const FAREWELL_BYTES: usize = 30_000_000;

impl Service for Parting {
    fn react(&mut self, net: &mut dyn Net, happened: Happened) {
        if let Happened::Received(conn, _) = happened {
            for piece in 0..FAREWELL_BYTES / 1_000_000 {
                net.send(conn, &vec![piece as u8; 1_000_000]);
            }
            net.close_after_sending(conn);
            net.send(conn, b"ignored: it is closing");
        }
    }
}

#[test]
fn closing_waits_for_what_is_queued() {
    each_loop(|make| {
        let host = Host::start(make, Parting);
        let mut stream = TcpStream::connect(host.address).unwrap();
        stream.write_all(b"bye").unwrap();
        thread::sleep(Duration::from_millis(50));
        let mut farewell = Vec::new();
        stream.read_to_end(&mut farewell).unwrap();
        assert_eq!(farewell.len(), FAREWELL_BYTES);
        for (at, byte) in farewell.iter().enumerate() {
            assert_eq!(*byte, (at / 1_000_000) as u8);
        }
        assert_eq!(host.stop_when_empty().ledger.closed, 1);
    });
}

/// One that hangs up in the middle of it is told closed, and what was queued for it is dropped.
#[test]
fn a_peer_that_goes_while_it_is_sent_to() {
    each_loop(|make| {
        let host = Host::start(make, Parting);
        for read in [0, 1, 100_000] {
            let mut stream = TcpStream::connect(host.address).unwrap();
            stream.write_all(b"bye").unwrap();
            stream.read_exact(&mut vec![0; read]).unwrap();
        }
        let report = host.stop_when_empty();
        assert_eq!((report.ledger.accepted, report.ledger.closed), (3, 3));
    });
}
