//! Bytes come back as they went: in order, whole, to the connection that sent them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use proptest::prelude::*;

use crate::host::{Echo, Happened, Host, Service};
use crate::{each_loop, loops};

/// Bytes that no two connections share, and that show where they were cut.
fn pattern(conn: usize, bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ conn.wrapping_mul(97)) as u8)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every connection writes its chunks while another thread reads.
    #[test]
    fn random_chunks_on_many_connections(
        plans in prop::collection::vec(prop::collection::vec(1usize..200_000, 1..12), 1..9),
    ) {
        for (name, make) in loops() {
            let host = Host::start(make, Echo);
            let address = host.address;
            let clients: Vec<_> = plans.iter().cloned().enumerate().map(|(conn, chunks)| {
                thread::spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    let mut writer = stream.try_clone().unwrap();
                    let sent = pattern(conn, chunks.iter().sum());
                    let bytes = sent.clone();
                    let writing = thread::spawn(move || {
                        let mut rest = &bytes[..];
                        for chunk in chunks {
                            let (now, later) = rest.split_at(chunk);
                            writer.write_all(now).unwrap();
                            rest = later;
                        }
                        writer.shutdown(Shutdown::Write).unwrap();
                    });
                    let mut received = Vec::new();
                    stream.read_to_end(&mut received).unwrap();
                    writing.join().unwrap();
                    received == sent
                })
            }).collect();
            for client in clients {
                prop_assert!(client.join().unwrap(), "{}: other bytes came back", name);
            }
            let report = host.stop_when_empty();
            prop_assert_eq!(report.ledger.accepted, plans.len());
            prop_assert_eq!(report.ledger.closed, plans.len());
        }
    }
}

/// A peer that has shut down its side still gets every answer.
#[test]
fn half_closed_peers_are_answered() {
    each_loop(|make| {
        let host = Host::start(make, Echo);
        for conn in 0..50 {
            let mut stream = TcpStream::connect(host.address).unwrap();
            let sent = pattern(conn, 1 + conn * 1000);
            stream.write_all(&sent).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).unwrap();
            assert_eq!(received, sent);
        }
        let report = host.stop_when_empty();
        assert_eq!((report.ledger.accepted, report.ledger.closed), (50, 50));
    });
}

/// Notes who came by which listener.
#[derive(Default)]
struct Guests {
    seen: Vec<(usize, String)>,
}

impl Service for Guests {
    fn react(&mut self, net: &mut dyn seawall_server::net::Net, happened: Happened) {
        if let Happened::Accepted(_, listener, peer) = &happened {
            self.seen.push((*listener, peer.clone()));
        }
        Echo.react(net, happened);
    }
}

#[test]
fn unix_sockets_and_several_listeners() {
    each_loop(|make| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let unix = UnixListener::bind(&path).unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let host = Host::on(
            make,
            Guests::default(),
            vec![unix.into(), tcp.into()],
            address,
        );
        let sent = pattern(1, 500_000);
        let mut local = UnixStream::connect(&path).unwrap();
        let mut writer = local.try_clone().unwrap();
        let bytes = sent.clone();
        let writing = thread::spawn(move || {
            writer.write_all(&bytes).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        local.read_to_end(&mut received).unwrap();
        writing.join().unwrap();
        assert_eq!(received, sent);

        let mut stream = TcpStream::connect(address).unwrap();
        let own = stream.local_addr().unwrap().to_string();
        stream.write_all(b"hello").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"hello");

        let report = host.stop_when_empty();
        let unix_name = format!("{}:0", path.display());
        assert_eq!(report.service.seen, [(0, unix_name), (1, own)]);
    });
}
