//! Bytes that are no protocol, or hardly, answered as Redis answers them.
//!
//! `redis.txt` holds what a real server said. Where ours says something else on purpose, the line after
//! it begins with `~`, tells why after the reply, and is what is held here.

use std::fmt::Write as _;

use crate::client::Server;
use crate::{alone, say};

/// What is said, and what is answered.
struct Case {
    said: Vec<u8>,
    /// By ours.
    answered: Vec<u8>,
    /// By Redis.
    redis: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in include_str!("redis.txt").lines() {
        let (kind, rest) = line.split_at(line.len().min(1));
        let text = rest.strip_prefix(' ').unwrap_or(rest);
        match kind {
            ">" => cases.push(Case {
                said: read(text),
                answered: Vec::new(),
                redis: Vec::new(),
            }),
            "<" => {
                let case = cases.last_mut().unwrap();
                case.redis = read(text);
                case.answered = case.redis.clone();
            }
            "~" => {
                let (reply, why) = text.split_once(" # ").expect("a reason");
                assert!(!why.is_empty());
                cases.last_mut().unwrap().answered = read(reply);
            }
            _ => assert!(kind.is_empty() || kind == "#", "{line}"),
        }
    }
    assert!(cases.len() > 50);
    cases
}

/// Reads bytes as Rust writes them, and `\{x*n}` for n times x.
fn read(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((byte, after)) = next(rest) {
        if byte.len() == 1 {
            bytes.push(byte[0]);
        } else {
            bytes.extend_from_slice(&byte);
        }
        rest = after;
    }
    assert_eq!(rest, "");
    bytes
}

/// The first byte, or run of one byte, and what follows.
fn next(text: &str) -> Option<(Vec<u8>, &str)> {
    if let Some(run) = text.strip_prefix("\\{") {
        let (run, after) = run.split_once('}')?;
        let (byte, times) = run.rsplit_once('*')?;
        let byte = next(byte)?.0;
        return Some((byte.repeat(times.parse().ok()?), after));
    }
    let Some(escape) = text.strip_prefix('\\') else {
        let &first = text.as_bytes().first()?;
        assert!(first.is_ascii());
        return Some((vec![first], &text[1..]));
    };
    if let Some(hex) = escape.strip_prefix('x') {
        let byte = u8::from_str_radix(&hex[..2], 16).ok()?;
        return Some((vec![byte], &hex[2..]));
    }
    let byte = match escape.as_bytes().first()? {
        b't' => b'\t',
        b'n' => b'\n',
        b'r' => b'\r',
        &other => other,
    };
    Some((vec![byte], &escape[1..]))
}

/// Shows no more of `bytes` than can be read.
fn show(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(300)].escape_ascii().to_string()
}

#[test]
fn what_redis_says_is_said() {
    let _alone = alone();
    let mut wrong = String::new();
    for net in ["net=uring", "net=epoll"] {
        let server = Server::start(2, &[net]);
        for case in cases() {
            let answered = say(&server, &case.said);
            if answered != case.answered {
                writeln!(
                    wrong,
                    "{net}\n> {}\n< {}\n= {}",
                    show(&case.said),
                    show(&case.answered),
                    show(&answered)
                )
                .unwrap();
            }
        }
    }
    assert_eq!(wrong, "");
}

/// However the bytes are cut, the answer is the same.
#[test]
fn cuts_do_not_show() {
    use std::io::{Read, Write};

    let _alone = alone();
    let server = Server::start(2, &[]);
    for case in cases().into_iter().filter(|case| case.said.len() < 100) {
        let mut stream = crate::connect(&server);
        stream.set_nodelay(true).unwrap();
        for byte in &case.said {
            if stream.write_all(&[*byte]).is_err() {
                break;
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard);
        // A server that closes on bytes still on their way resets, and the answer may be lost with it. One
        // that hangs up without a word takes back what stood before, where that has not left yet.
        let hung_up = case.answered.is_empty() && heard == b"+PONG\r\n";
        assert!(
            hung_up || case.answered.starts_with(&heard),
            "> {}\n< {}\n= {}",
            show(&case.said),
            show(&case.answered),
            show(&heard)
        );
    }
}

/// The file holds what a real server says, which must be installed.
#[cfg(feature = "redis-oracle")]
#[test]
fn redis_says_what_is_written() {
    use std::net::SocketAddr;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    /// Ends with the test.
    struct Redis(std::process::Child);
    impl Drop for Redis {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let port = seawall_sys::port::free().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let redis = Command::new("redis-server")
        .args(["--save", "", "--bind", "127.0.0.1", "--port"])
        .arg(port.to_string())
        .arg("--dir")
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn();
    let _redis = Redis(redis.expect("redis-server is installed"));
    let begun = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        std::net::TcpStream::connect(address).is_ok()
    });
    assert!(begun, "redis-server does not begin");
    for case in cases() {
        let answered = crate::say_to(address, &case.said);
        assert!(
            answered == case.redis,
            "> {}\n< {}\n= {}",
            show(&case.said),
            show(&case.redis),
            show(&answered)
        );
    }
}
