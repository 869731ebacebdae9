//! A server of the tests: strings in a map, in RESP, right or wrong in a given manner.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How the server behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Manner {
    Right,
    /// Answers nothing for `time` after so many commands.
    StallsOnce {
        after: u64,
        time: Duration,
    },
    Junk,
    JunkAfter(u64),
    Closes,
    ClosesAfter(u64),
    /// Says that it holds keys.
    Full,
    /// Wants a password.
    Refuses,
}

/// A running server. Its threads end with the test's process.
pub(crate) struct Server {
    port: u16,
}

struct Shared {
    manner: Manner,
    map: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    commands: AtomicU64,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            manner,
            map: Mutex::default(),
            commands: AtomicU64::new(0),
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Server { port }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut input = BufReader::new(stream.try_clone().ok()?);
    loop {
        let words = command(&mut input)?;
        // Only a count: the test looks at no memory by it.
        let number = shared.commands.fetch_add(1, Ordering::Relaxed);
        match shared.manner {
            Manner::StallsOnce { after, time } if number == after => std::thread::sleep(time),
            Manner::Junk => stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok()?,
            Manner::JunkAfter(after) if number > after => stream.write_all(b"junk\r\n").ok()?,
            Manner::Closes => return None,
            Manner::ClosesAfter(after) if number > after => return None,
            Manner::Refuses => stream
                .write_all(b"-NOAUTH Authentication required.\r\n")
                .ok()?,
            _ => {}
        }
        let reply = answer(&words, shared);
        stream.write_all(&reply).ok()?;
    }
}

fn answer(words: &[Vec<u8>], shared: &Shared) -> Vec<u8> {
    let mut map = shared.map.lock().expect("nobody panics while holding it");
    match (&words[0].to_ascii_uppercase()[..], &words[1..]) {
        (b"DBSIZE", _) if shared.manner == Manner::Full => b":7\r\n".to_vec(),
        (b"DBSIZE", _) => format!(":{}\r\n", map.len()).into_bytes(),
        (b"FLUSHDB", _) => {
            map.clear();
            b"+OK\r\n".to_vec()
        }
        (b"SET", [key, value]) => {
            map.insert(key.clone(), value.clone());
            b"+OK\r\n".to_vec()
        }
        (b"GET", [key]) => match map.get(key) {
            Some(value) => {
                let mut reply = format!("${}\r\n", value.len()).into_bytes();
                reply.extend(value);
                reply.extend(b"\r\n");
                reply
            }
            None => b"$-1\r\n".to_vec(),
        },
        _ => b"-ERR unknown command\r\n".to_vec(),
    }
}

fn command(input: &mut BufReader<TcpStream>) -> Option<Vec<Vec<u8>>> {
    let number = |input: &mut BufReader<TcpStream>| -> Option<usize> {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        line.get(1..)?.trim().parse().ok()
    };
    let count = number(input)?;
    (0..count)
        .map(|_| {
            let mut word = vec![0; number(input)? + 2];
            input.read_exact(&mut word).ok()?;
            word.truncate(word.len() - 2);
            Some(word)
        })
        .collect()
}
