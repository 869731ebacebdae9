//! Several workers on one listener.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use seawall_server::net::{Listener, Net, Token};

use crate::each_loop;
use crate::host::{Echo, Happened, Host, Ledger, Make, new_wake};

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

/// A loop that is turned by hand.
struct Turned {
    net: Box<dyn Net>,
    wake: OwnedFd,
    ledger: Ledger,
    last: Option<Token>,
}

impl Turned {
    fn on(make: Make, listener: &Listener) -> Turned {
        let mut net = make().unwrap().net;
        net.listen(listener.share().unwrap()).unwrap();
        let mut turned = Turned {
            net,
            wake: new_wake(),
            ledger: Ledger::default(),
            last: None,
        };
        turned.turn();
        turned
    }

    fn turn(&mut self) {
        let wait = Duration::from_millis(5);
        let (ledger, last) = (&mut self.ledger, &mut self.last);
        let mut each = |event: seawall_server::net::Event<'_>| {
            let happened = Happened::from(event);
            if let Happened::Accepted(conn, ..) = happened {
                *last = Some(conn);
            }
            ledger.enter(&happened);
        };
        self.net.turn(wait, self.wake.as_fd(), &mut each).unwrap();
    }
}

/// The end of a connection that its own side closed is told before another one, which was waiting to be
/// let in, gets its place.
#[test]
fn a_place_is_left_before_it_is_taken() {
    each_loop(|make| {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), 128).unwrap();
        let address = listener.address().unwrap();
        let mut loops = [(), ()].map(|()| Turned::on(make, &listener));
        let mut streams = Vec::new();
        while loops.iter().any(|turned| turned.ledger.open() == 0) {
            streams.push(TcpStream::connect(address).unwrap());
            loops.iter_mut().for_each(Turned::turn);
        }
        // Whichever of the two the kernel lets accept, it leads to the one that has closed.
        for closing in [0, 1, 0, 1] {
            let accepted = loops.each_ref().map(|turned| turned.ledger.accepted);
            let own = &mut loops[closing];
            own.net.close(own.last.unwrap());
            streams.push(TcpStream::connect(address).unwrap());
            loops[1 - closing].turn();
            while loops.each_ref().map(|turned| turned.ledger.accepted) == accepted {
                loops[closing].turn();
                loops[1 - closing].turn();
            }
        }
    });
}
