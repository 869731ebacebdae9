//! Many clients from a process of their own: descriptors are counted by process, and where both ends were
//! in one, a crowd would need twice as many.
//!
//! The process is the test's own program, which runs the same test and finds by a variable that it is to
//! be the crowd ([`was_called`]).

use std::env;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use seawall_sys::limit::raise_descriptors;

/// Descriptors that the rest of a process may need.
const RESERVE: u64 = 500;
/// What tells a process that it is the crowd: where to go, and how many.
const CALLED: &str = "SEAWALL_TEST_CROWD";
/// What it says when all have heard what they should.
const HEARD: &str = "all have heard";

/// A crowd that has heard what it should, and stays.
pub struct Visitors {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Visitors {
    /// As many as this machine allows, up to `wanted`. It says past the test harness, which keeps to itself
    /// what a test prints that passes, where they are fewer.
    pub fn count(wanted: usize) -> usize {
        let allowed = raise_descriptors(wanted as u64 + RESERVE).unwrap();
        let count = (allowed.saturating_sub(RESERVE) as usize).min(wanted);
        if count < wanted {
            let mut stderr = std::io::stderr();
            writeln!(
                stderr,
                "{count} connections instead of {wanted}: {allowed} descriptors allowed"
            )
            .unwrap();
        }
        count
    }

    /// Sends `count` of them to `address`; they have come when this returns. `test` is the calling test.
    pub fn send(test: &str, address: SocketAddr, count: usize) -> Visitors {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CALLED, format!("{address} {count}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let heard = stdout.any(|line| line.unwrap().contains(HEARD));
        assert!(heard, "the crowd failed; it told why");
        Visitors {
            child,
            stdin,
            stdout,
        }
    }

    /// Lets them go.
    pub fn leave(self) {
        let Visitors {
            mut child,
            stdin,
            stdout,
        } = self;
        drop(stdin);
        // The harness there says how it went, and wants to be heard.
        stdout.for_each(drop);
        assert!(child.wait().unwrap().success());
    }
}

/// Whether this process is the crowd; then it has been, and `talk` told what each says and hears, in each of
/// two rounds. All say theirs before any listens.
pub fn was_called(talk: impl Fn(usize, usize) -> (String, String)) -> bool {
    let Ok(called) = env::var(CALLED) else {
        return false;
    };
    let (address, count) = called.split_once(' ').unwrap();
    let count = count.parse().unwrap();
    assert_eq!(Visitors::count(count), count);
    let mut streams: Vec<_> = (0..count)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    for round in 0..2 {
        for (number, stream) in streams.iter_mut().enumerate() {
            stream.write_all(talk(number, round).0.as_bytes()).unwrap();
        }
        for (number, stream) in streams.iter_mut().enumerate() {
            let expected = talk(number, round).1;
            let mut heard = vec![0; expected.len()];
            stream.read_exact(&mut heard).unwrap();
            assert_eq!(heard, expected.as_bytes());
        }
    }
    println!("{HEARD}");
    // Until the other process has nothing more to say.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    true
}
