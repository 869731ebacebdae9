//! Several workers on one listener.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};

use seawall_server::net::Listener;

use crate::each_loop;
use crate::host::{Echo, Host, Make};

const GUESTS: usize = 100;

/// Two loops that share `listener`.
fn two(make: Make, listener: &Listener) -> [Host<Echo>; 2] {
    let address = listener
        .address()
        .unwrap_or_else(|| "127.0.0.1:1".parse().unwrap());
    [(), ()].map(|()| Host::on(make, Echo, vec![listener.share().unwrap()], address))
}

/// Asks once, so that the one behind it has been accepted.
fn ask(mut stream: impl Read + Write) {
    let mut heard = [0; 4];
    stream.write_all(b"ping").unwrap();
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"ping");
}

#[test]
fn connections_go_to_who_has_the_fewest() {
    each_loop(|make| {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), 128).unwrap();
        let address = listener.address().unwrap();
        let hosts = two(make, &listener);
        let streams: Vec<_> = (0..GUESTS)
            .map(|_| {
                let stream = TcpStream::connect(address).unwrap();
                ask(&stream);
                stream
            })
            .collect();
        let accepted = hosts.map(|host| host.stop().ledger.accepted);
        assert_eq!(accepted, [GUESTS / 2; 2]);
        drop(streams);
    });
}

#[test]
fn over_unix_sockets_too_and_when_one_worker_goes() {
    each_loop(|make| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let listener = Listener::from(UnixListener::bind(&path).unwrap());
        let [one, other] = two(make, &listener);
        let visit = || {
            let stream = UnixStream::connect(&path).unwrap();
            ask(&stream);
            stream
        };
        let streams: Vec<_> = (0..GUESTS).map(|_| visit()).collect();
        assert_eq!(one.stop().ledger.accepted, GUESTS / 2);
        // The one that has gone would have the fewest.
        let more: Vec<_> = (0..10).map(|_| visit()).collect();
        assert_eq!(other.stop().ledger.accepted, GUESTS / 2 + more.len());
        drop(streams);
    });
}
