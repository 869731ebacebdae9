//! Random requests to Memcached's protocol here and to a real memcached: the answers must be equal.
//!
//! Skipped, with a line that says so, where no `memcached` is on the path. What may differ is taken out
//! before comparing: `cas` numbers; the spaces that memcached pads a number with that became shorter (so a
//! key is set anew after it was decremented, and none begins as a zero); and who is told to fetch an item
//! (`W`, `Z`), which memcached forgets where a number changes that it is just sending. Not asked for here:
//! whether an item was read (`h`) and stale items, which the parser's script has.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::alone::Alone;
use super::requests::{comparable, request};

const REQUESTS: usize = 20_000;
const MARK: &[u8] = b"MN\r\n";

struct Real {
    child: Child,
    stream: TcpStream,
}

impl Real {
    fn start() -> Option<Real> {
        let port = seawall_sys::port::free().ok()?;
        let mut command = Command::new("memcached");
        let command = command.args(["-l", "127.0.0.1", "-u", "nobody", "-p", &port.to_string()]);
        let child = command.stderr(Stdio::null()).spawn().ok()?;
        let mut real = (0..100).find_map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let stream = real.take().expect("memcached listens within two seconds");
        stream.set_nodelay(true).expect("a socket");
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a socket");
        Some(Real { child, stream })
    }

    /// What is answered to `request`, up to the answer to a `mn` after it.
    fn ask(&mut self, request: &str) -> Vec<u8> {
        let all = format!("{request}mn\r\n");
        self.stream.write_all(all.as_bytes()).expect("it listens");
        let mut heard = Vec::new();
        let mut part = [0; 4096];
        while !heard.ends_with(MARK) {
            let count = self.stream.read(&mut part).expect("it answers");
            assert!(count > 0, "it hung up after {request:?}");
            heard.extend_from_slice(&part[..count]);
        }
        heard.truncate(heard.len() - MARK.len());
        heard
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn answers_equal_memcacheds() {
    let Some(mut real) = Real::start() else {
        // Past the test harness, which keeps to itself what a test prints that passes.
        let skipped = "skipped: no `memcached` on the path to compare with";
        writeln!(std::io::stderr(), "{skipped}").expect("standard error is open");
        return;
    };
    let seed: u64 = std::env::var("SEAWALL_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut alone = Alone::default();
    let mut history = Vec::new();
    for number in 0..REQUESTS {
        let request = request(&mut random);
        history.push(request.clone());
        let theirs = comparable(&real.ask(&request));
        let ours = comparable(&alone.ask(&request));
        assert_eq!(
            ours,
            theirs,
            "ours, then memcached's, to request {number} after {:?}; repeat by SEAWALL_SEED={seed}",
            &history[history.len().saturating_sub(20)..]
        );
    }
}
