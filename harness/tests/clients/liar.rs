//! A server broken on purpose: stands before a good one, passes on what is asked, and tells lies for
//! truths in what is answered.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::section::Section;

/// A liar on a port of its own, until it is dropped.
pub struct Liar {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Liar {
    /// A liar before this server, who tells the lies of these sections.
    pub fn before(server: SocketAddr, sections: &[&'static Section]) -> Liar {
        let sections: Arc<[&Section]> = sections.into();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        let accepting = std::thread::spawn(move || {
            for client in listener.incoming() {
                if flag.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else {
                    continue;
                };
                let sections = Arc::clone(&sections);
                pass(&client, &server, |_| 0);
                pass(&server, &client, move |bytes| lie(&sections, bytes));
            }
        });
        Liar {
            address,
            ended,
            accepting: Some(accepting),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        // Seen by the thread below no later than the connection that wakes it.
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// Passes bytes on from one to the other until one of them hangs up, as `change` leaves them; as many at
/// the end as it says wait for what comes next.
fn pass(from: &TcpStream, to: &TcpStream, change: impl Fn(&mut [u8]) -> usize + Send + 'static) {
    let mut from = from.try_clone().expect("a socket");
    let mut to = to.try_clone().expect("a socket");
    let _ = to.set_nodelay(true);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        let mut part = vec![0; 1 << 16];
        while let Ok(count) = from.read(&mut part) {
            if count == 0 {
                break;
            }
            held.extend_from_slice(&part[..count]);
            let ready = held.len() - change(&mut held);
            if to.write_all(&held[..ready]).is_err() {
                break;
            }
            held.drain(..ready);
        }
        let _ = to.write_all(&held);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Puts lies for truths, and says how many bytes wait.
fn lie(sections: &[&Section], bytes: &mut [u8]) -> usize {
    for section in sections {
        let mut at = 0;
        while let Some(found) = find(&bytes[at..], section.truth) {
            at += found + section.lie.len();
            bytes[at - section.lie.len()..at].copy_from_slice(section.lie);
        }
    }
    unfinished(sections, bytes)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted[0];
    (bytes.iter().enumerate())
        .filter(|(_, byte)| **byte == first)
        .map(|(at, _)| at)
        .find(|at| bytes[*at..].starts_with(wanted))
}

/// How many bytes at the end may be the beginning of a truth whose rest is still to come. A whole reply
/// ends with a line's end: a truth that begins with one is known by no less than a byte more.
fn unfinished(sections: &[&Section], bytes: &[u8]) -> usize {
    let beginnings = |section: &&Section| {
        let truth = section.truth;
        let least = if truth.starts_with(b"\r\n") { 3 } else { 1 };
        (least..truth.len())
            .filter(move |len| bytes.ends_with(&truth[..*len]))
            .max()
    };
    sections.iter().filter_map(beginnings).max().unwrap_or(0)
}

#[test]
fn lies_are_told_also_where_the_truth_comes_in_pieces() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let sections: Vec<&Section> = crate::section::REDIS.iter().collect();
    let liar = Liar::before(listener.local_addr().expect("an address"), &sections);
    let mut client = TcpStream::connect(liar.address()).expect("it accepts");
    let (mut server, _) = listener.accept().expect("it connects");
    client.write_all(b"breakwater").expect("it reads");
    let mut asked = [0; 10];
    server.read_exact(&mut asked).expect("what was asked");
    assert_eq!(&asked, b"breakwater");
    for part in [&b"$10\r\nbreak"[..], b"water\r\n:13\r\n"] {
        server.write_all(part).expect("it reads");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(server);
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).expect("all of it");
    assert_eq!(heard, b"$10\r\nbreakwaver\r\n:31\r\n");
}
