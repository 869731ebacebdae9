//! The commands beside a real Redis 7.0: the same random commands, the same reply bytes.
//!
//! Needs `redis-server` (or the program that `REDIS_SERVER` names), so it stands behind the feature
//! `redis-oracle`. `ORACLE_SEED` and `ORACLE_SEEDS` choose what runs; a difference prints the seed, the
//! command and what came before it on its key.

mod grammar;
mod script;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use grammar::Grammar;
use seawall_store::{Millis, Op, Out, Reply, Shard, ShardConfig};

const COMMANDS_PER_SEED: usize = 4000;
const BATCH: usize = 100;

/// A server's process, which ends with this.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Server {
    _process: Process,
    stream: TcpStream,
    received: Vec<u8>,
}

impl Server {
    fn start() -> Server {
        let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let process = Command::new(&program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--hash-max-listpack-entries", "128"])
            .stdout(Stdio::null())
            .spawn()
            .map_or_else(
                |error| panic!("{program}: {error} (set REDIS_SERVER)"),
                Process,
            );
        for _ in 0..200 {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                return Server {
                    _process: process,
                    stream,
                    received: Vec::new(),
                };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{program} does not answer on port {port}");
    }

    fn send(&mut self, commands: &[Vec<Vec<u8>>]) {
        let mut bytes = Vec::new();
        for words in commands {
            write!(bytes, "*{}\r\n", words.len()).expect("memory");
            for word in words {
                write!(bytes, "${}\r\n", word.len()).expect("memory");
                bytes.extend_from_slice(word);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        self.stream.write_all(&bytes).expect("the server listens");
    }

    fn receive(&mut self) -> Vec<u8> {
        loop {
            if let Some((_, used)) = Reply::parse(&self.received) {
                return self.received.drain(..used).collect();
            }
            let mut chunk = [0; 16384];
            let read = self.stream.read(&mut chunk).expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            self.received.extend_from_slice(&chunk[..read]);
        }
    }
}

fn now() -> Millis {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    Millis(elapsed.expect("after 1970").as_millis() as u64)
}

fn apply(shard: &mut Shard, words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Out::default();
    match Op::parse(words.iter().map(Vec::as_slice)) {
        Ok(op) => shard.apply(now(), &op, &mut out),
        Err(error) => out.reply.error(&error),
    }
    out.reply.as_bytes().to_vec()
}

/// Whether the replies are equal, where order and the moment of the call do not matter.
fn same(words: &[Vec<u8>], ours: &[u8], theirs: &[u8]) -> bool {
    if ours == theirs {
        return true;
    }
    let parse = |bytes| Reply::parse(bytes).expect("whole replies").0;
    let (ours, theirs) = (parse(ours), parse(theirs));
    match words[0].to_ascii_lowercase().as_slice() {
        b"ttl" | b"pttl" | b"expiretime" | b"pexpiretime" => match (ours, theirs) {
            (Reply::Int(a), Reply::Int(b)) => a > 0 && b > 0 && a.abs_diff(b) < 5000,
            _ => false,
        },
        b"hkeys" | b"hvals" => sorted(ours, 1) == sorted(theirs, 1),
        b"hgetall" => sorted(ours, 2) == sorted(theirs, 2),
        b"hrandfield" => match (&ours, &theirs) {
            (Reply::Bulk(_), Reply::Bulk(_)) | (Reply::Error(_), Reply::Error(_)) => true,
            // Draws with repetition have nothing in common but their number.
            (Reply::Array(a), Reply::Array(b)) if words[2].starts_with(b"-") => a.len() == b.len(),
            _ => sorted(ours, 1) == sorted(theirs, 1),
        },
        // A cursor that was not given out means nothing in common.
        b"hscan" if words.get(2).is_some_and(|cursor| cursor != b"0") => true,
        b"hscan" => match (ours, theirs) {
            (Reply::Array(mut a), Reply::Array(mut b)) => {
                a[0] == b[0] && sorted(a.remove(1), 2) == sorted(b.remove(1), 2)
            }
            _ => false,
        },
        _ => false,
    }
}

fn sorted(reply: Reply, group: usize) -> Vec<String> {
    let Reply::Array(items) = reply else {
        return vec![format!("{reply:?}")];
    };
    let mut groups: Vec<String> = items.chunks(group).map(|g| format!("{g:?}")).collect();
    groups.sort();
    groups
}

fn shown(words: &[Vec<u8>]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|w| format!("\"{}\"", w.escape_ascii()))
        .collect();
    words.join(" ")
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn replies_equal_those_of_redis() {
    let mut server = Server::start();
    let first = variable("ORACLE_SEED", 1);
    for seed in first..first + variable("ORACLE_SEEDS", 5) {
        server.send(&[vec![b"flushall".to_vec()]]);
        server.receive();
        let mut shard = Shard::new(&ShardConfig::default());
        let mut grammar = Grammar::new(seed, now().0);
        let mut history: Vec<Vec<Vec<u8>>> = Vec::new();
        let mut differences = Vec::new();
        for _ in 0..COMMANDS_PER_SEED / BATCH {
            let batch: Vec<_> = (0..BATCH).map(|_| grammar.next()).collect();
            server.send(&batch);
            for words in batch {
                let (ours, theirs) = (apply(&mut shard, &words), server.receive());
                if !same(&words, &ours, &theirs) {
                    let before: Vec<String> = history
                        .iter()
                        .filter(|old| old.get(1) == words.get(1))
                        .map(|old| shown(old))
                        .collect();
                    differences.push(format!(
                        "seed {seed}, {}\n  ours:  {}\n  redis: {}\n  before: {}",
                        shown(&words),
                        ours.escape_ascii(),
                        theirs.escape_ascii(),
                        before[before.len().saturating_sub(8)..].join("\n          "),
                    ));
                }
                history.push(words);
            }
        }
        let all = differences.len();
        differences.truncate(variable("ORACLE_SHOW", 3) as usize);
        assert!(
            all == 0,
            "{all} replies differ\n{}\nrepeat with ORACLE_SEED={seed} ORACLE_SEEDS=1",
            differences.join("\n")
        );
    }
}

/// What the golden scripts hold beside Redis, where they do not depend on the time of their own.
#[test]
fn scripts_equal_redis() {
    let mut server = Server::start();
    for file in script::files() {
        let text = std::fs::read_to_string(&file).expect("a script");
        if text.contains("The time is") {
            continue;
        }
        server.send(&[vec![b"flushall".to_vec()]]);
        server.receive();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let Some(command) = line.strip_prefix("> ") else {
                continue;
            };
            let mut wanted = String::new();
            while let Some((_, line)) = lines.next_if(|(_, line)| !line.starts_with("> ")) {
                if !line.is_empty() && !line.starts_with(['#', '~']) {
                    wanted.push_str(line);
                    wanted.push('\n');
                }
            }
            let words = script::split(command);
            server.send(std::slice::from_ref(&words));
            let reply = server.receive();
            let mut got = String::new();
            script::show(
                &Reply::parse(&reply).expect("a whole reply").0,
                "",
                &mut got,
            );
            assert!(
                got == wanted,
                "{}:{}: {command}\n  script: {wanted}\n  redis:  {got}",
                file.display(),
                number + 1
            );
        }
    }
}
