//! The socket ring against real sockets: buffers that run out, more operations than its queue holds,
//! cancelling, and dropping it in the middle of everything.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use seawall_sys::limit::raise_descriptors;
use seawall_sys::ring::{Done, Sockets};

const BUFFERS: u16 = 4;
const BUFFER_BYTES: u32 = 64;

/// A ring with few and small buffers, or the reason printed and none.
fn sockets() -> Option<Sockets> {
    Sockets::new(BUFFERS, BUFFER_BYTES)
        .inspect_err(|error| println!("skipped: {error}"))
        .ok()
}

/// A pair of connected sockets, one of them for the ring.
fn pair() -> (Rc<OwnedFd>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (Rc::new(ours.into()), theirs)
}

/// What a completion was, without its buffers.
#[derive(Debug, PartialEq)]
enum Seen {
    Accepted(u64),
    Received(u64, Vec<u8>, bool),
    Sent(u64, usize),
    Readable(u64),
    Failed(u64, Option<i32>),
}

/// Turns until `enough` has been seen, or panics after some seconds.
fn turn_until(ring: &mut Sockets, mut enough: impl FnMut(&[Seen]) -> bool) -> Vec<Seen> {
    let start = Instant::now();
    let mut seen = Vec::new();
    while !enough(&seen) {
        assert!(start.elapsed() < Duration::from_secs(10), "only {seen:?}");
        ring.turn(Duration::from_secs(1)).unwrap();
        ring.reap(|completion| {
            let token = completion.token;
            let failed = |error: io::Error| Seen::Failed(token, error.raw_os_error());
            seen.push(match completion.done {
                Done::Accept(result) => result.map_or_else(failed, |_| Seen::Accepted(token)),
                Done::Receive(result) => result.map_or_else(failed, |bytes| {
                    Seen::Received(token, bytes.to_vec(), completion.more)
                }),
                Done::Send(result, _) => result.map_or_else(failed, |n| Seen::Sent(token, n)),
                Done::Readable(result) => result.map_or_else(failed, |()| Seen::Readable(token)),
            });
        });
    }
    seen
}

/// A megabyte through 256 bytes of buffers: the receive ends when they are full, is asked for again, and
/// no byte is lost, doubled or torn.
#[test]
fn running_out_of_buffers_loses_nothing() {
    let Some(mut ring) = sockets() else { return };
    let (ours, mut theirs) = pair();
    let sent: Vec<u8> = (0..1_000_000u32).map(|at| (at % 251) as u8).collect();
    let bytes = sent.clone();
    let writing = thread::spawn(move || theirs.write_all(&bytes).unwrap());
    let mut received = Vec::new();
    let (mut ended, mut dry) = (false, 0);
    while !ended {
        ring.receive(5, &ours);
        let mut going = true;
        while going {
            ring.turn(Duration::from_secs(5)).unwrap();
            ring.reap(|completion| {
                assert_eq!(completion.token, 5);
                going &= completion.more;
                match completion.done {
                    Done::Receive(Ok([])) => ended = true,
                    Done::Receive(Ok(bytes)) => received.extend_from_slice(bytes),
                    Done::Receive(Err(error)) => {
                        assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS));
                        dry += 1;
                    }
                    other => panic!("{other:?}"),
                }
            });
        }
    }
    writing.join().unwrap();
    assert!(received == sent);
    assert!(dry > 0, "the buffers never ran out");
    assert_eq!(ring.in_flight(), 0);
}

/// More operations than the submission queue holds are handed over bit by bit.
#[test]
fn more_operations_than_the_queue_holds() {
    const PAIRS: usize = 1_500;
    let Some(mut ring) = sockets() else { return };
    let allowed = raise_descriptors(2 * PAIRS as u64 + 500).unwrap();
    let pairs = PAIRS.min((allowed as usize).saturating_sub(500) / 2);
    let mut sockets: Vec<_> = (0..pairs).map(|_| pair()).collect();
    for (token, (ours, _)) in sockets.iter().enumerate() {
        ring.readable(token as u64, ours);
        ring.send(token as u64, ours, format!("..{token}").into_bytes(), 2);
    }
    let seen = turn_until(&mut ring, |seen| seen.len() >= pairs);
    assert_eq!(seen.len(), pairs, "nothing is readable yet");
    for (token, (_, theirs)) in sockets.iter_mut().enumerate() {
        let expected = token.to_string();
        let mut read = vec![0; expected.len()];
        theirs.read_exact(&mut read).unwrap();
        assert_eq!(read, expected.as_bytes(), "sent from where it was told");
        theirs.write_all(b"!").unwrap();
    }
    let mut seen = turn_until(&mut ring, |seen| seen.len() >= pairs);
    seen.sort_by_key(|seen| match seen {
        Seen::Readable(token) => *token,
        other => panic!("{other:?}"),
    });
    assert!((0..pairs as u64).eq(seen.iter().map(|seen| match seen {
        Seen::Readable(token) => *token,
        other => panic!("{other:?}"),
    })));
    assert_eq!(ring.in_flight(), pairs, "they go on");
}

#[test]
fn cancelling() {
    let Some(mut ring) = sockets() else { return };
    let (ours, mut theirs) = pair();
    let receive = ring.receive(1, &ours);
    theirs.write_all(b"before").unwrap();
    let seen = turn_until(&mut ring, |seen| !seen.is_empty());
    assert_eq!(seen, [Seen::Received(1, b"before".to_vec(), true)]);
    ring.cancel(receive);
    let seen = turn_until(&mut ring, |seen| !seen.is_empty());
    assert_eq!(seen, [Seen::Failed(1, Some(libc::ECANCELED))]);
    // Its place is taken by another operation, which the old name does not mean.
    let next = ring.receive(2, &ours);
    assert_ne!(receive, next);
    ring.cancel(receive);
    theirs.write_all(b"after").unwrap();
    let seen = turn_until(&mut ring, |seen| !seen.is_empty());
    assert_eq!(seen, [Seen::Received(2, b"after".to_vec(), true)]);
    // Prepared and cancelled in one go.
    ring.cancel(next);
    let third = ring.receive(3, &ours);
    ring.cancel(third);
    let mut seen = turn_until(&mut ring, |seen| seen.len() >= 2);
    seen.sort_by_key(|seen| format!("{seen:?}"));
    let cancelled = |token| Seen::Failed(token, Some(libc::ECANCELED));
    assert_eq!(seen, [cancelled(2), cancelled(3)]);
}

#[test]
fn an_accept_goes_on_until_cancelled() {
    let Some(mut ring) = sockets() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = Rc::new(OwnedFd::from(listener));
    let accept = ring.accept(9, &listener);
    ring.turn(Duration::ZERO).unwrap();
    let clients: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let seen = turn_until(&mut ring, |seen| seen.len() == clients.len());
    assert!(seen.iter().all(|seen| *seen == Seen::Accepted(9)));
    ring.cancel(accept);
    let seen = turn_until(&mut ring, |seen| !seen.is_empty());
    assert_eq!(seen, [Seen::Failed(9, Some(libc::ECANCELED))]);
}

/// Dropping ends whatever is in flight, with sockets that the caller has let go of before.
#[test]
fn dropping_in_the_middle() {
    for round in 0..20 {
        let Some(mut ring) = sockets() else { return };
        let (ours, mut theirs) = pair();
        ring.receive(1, &ours);
        // More than a socket's buffer takes: it stays in flight, in part.
        ring.send(2, &ours, vec![7; 4_000_000], 0);
        if round % 2 == 0 {
            ring.turn(Duration::ZERO).unwrap();
        }
        theirs.write_all(b"unheard").unwrap();
        drop(ours);
        let start = Instant::now();
        drop(ring);
        assert!(start.elapsed() < Duration::from_secs(5));
        // Nobody holds the other end any more.
        let mut rest = Vec::new();
        theirs
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        if let Err(error) = theirs.read_to_end(&mut rest) {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        assert!(rest.iter().all(|&byte| byte == 7));
    }
}
