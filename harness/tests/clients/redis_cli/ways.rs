//! What takes more than typing: several redis-cli at once, and its own ways of working (`--scan`, `--pipe`,
//! `--bigkeys`, `-x`, `--csv`, `--stat`, `--latency`, `MONITOR`).

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::Cli;
use crate::held::{Held, eventually, fails, holds};

/// A section, by its name.
type Section = (&'static str, fn(&Cli) -> Held);

pub const SECTIONS: &[Section] = &[
    ("blocking", blocking),
    ("pubsub", pubsub),
    ("notifications", notifications),
    ("slow log", slow_log),
    ("latency", latency),
    ("memory", memory),
    ("clients", clients),
    ("pipelines", pipelines),
    ("large values", large_values),
    ("reconnect", reconnect),
    ("conveniences", conveniences),
];

/// A redis-cli that stays, and what it prints.
struct Listening {
    child: Child,
    lines: Receiver<String>,
}

impl Listening {
    fn begin(cli: &Cli, args: &[&str]) -> std::io::Result<Listening> {
        let mut child = cli.start(args)?;
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Ok(Listening {
            child,
            lines: received(lines),
        })
    }

    /// Its next lines, which must be these.
    #[track_caller]
    fn prints(&self, wanted: &[&str]) -> Held {
        for wanted in wanted {
            match self.lines.recv_timeout(Duration::from_secs(5)) {
                Ok(line) if line == *wanted => {}
                other => return fails(&format!("{other:?} instead of {wanted:?}")),
            }
        }
        Ok(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn received(lines: BufReader<ChildStdout>) -> Receiver<String> {
    let (said, heard) = channel();
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                return;
            }
        }
    });
    heard
}

/// That a call prints this.
#[track_caller]
fn prints(cli: &Cli, words: &str, wanted: &str) -> Held {
    let printed = cli.ask(words)?;
    if printed == wanted {
        Ok(())
    } else {
        fails(&format!("{words}: {printed:?} instead of {wanted:?}"))
    }
}

/// That a call prints something with this in it.
#[track_caller]
fn shows(cli: &Cli, words: &str, wanted: &str) -> Held {
    let printed = cli.ask(words)?;
    if printed.contains(wanted) {
        Ok(())
    } else {
        fails(&format!("{words}: {printed:?} without {wanted:?}"))
    }
}

/// Waits until a call prints something with this in it.
#[track_caller]
fn comes(cli: &Cli, words: &str, wanted: &str) -> Held {
    eventually(
        || Ok::<_, std::io::Error>(cli.ask(words)?.contains(wanted)),
        wanted,
    )
}

fn blocking(cli: &Cli) -> Held {
    let waiting = Listening::begin(cli, &["BLPOP", "a", "b", "5"])?;
    comes(cli, "INFO clients", "blocked_clients:1\r")?;
    prints(cli, "RPUSH b flotsam jetsam", "2")?;
    waiting.prints(&["b", "flotsam"])?;
    let waiting = Listening::begin(cli, &["BLMOVE", "from", "to", "LEFT", "RIGHT", "5"])?;
    comes(cli, "INFO clients", "blocked_clients:1\r")?;
    prints(cli, "RPUSH from moved", "1")?;
    waiting.prints(&["moved"])?;
    prints(cli, "LRANGE to 0 -1", "moved")?;
    let waiting = Listening::begin(cli, &["BZPOPMAX", "z", "5"])?;
    comes(cli, "INFO clients", "blocked_clients:1\r")?;
    prints(cli, "ZADD z 1 low 2 high", "2")?;
    waiting.prints(&["z", "high", "2"])?;
    prints(cli, "BLPOP nothing 0.05", "")
}

fn pubsub(cli: &Cli) -> Held {
    let listening = Listening::begin(cli, &["SUBSCRIBE", "horn"])?;
    listening.prints(&["subscribe", "horn", "1"])?;
    prints(cli, "PUBLISH horn foghorn", "1")?;
    listening.prints(&["message", "horn", "foghorn"])?;
    let patterns = Listening::begin(cli, &["PSUBSCRIBE", "f?g*", "h*"])?;
    patterns.prints(&["psubscribe", "f?g*", "1", "psubscribe", "h*", "2"])?;
    prints(cli, "PUBLISH horn both", "2")?;
    patterns.prints(&["pmessage", "h*", "horn", "both"])?;
    let shard = Listening::begin(cli, &["SSUBSCRIBE", "shard"])?;
    shard.prints(&["ssubscribe", "shard", "1"])?;
    prints(cli, "PUBLISH shard unheard", "0")?;
    prints(cli, "SPUBLISH shard heard", "1")?;
    shard.prints(&["smessage", "shard", "heard"])?;
    prints(cli, "PUBSUB NUMSUB horn nobody", "horn\n1\nnobody\n0")?;
    prints(cli, "PUBSUB NUMPAT", "2")?;
    prints(cli, "PUBSUB SHARDCHANNELS", "shard")
}

fn notifications(cli: &Cli) -> Held {
    prints(cli, "CONFIG SET notify-keyspace-events KEA", "OK")?;
    let told = || -> Held {
        let listening = Listening::begin(cli, &["PSUBSCRIBE", "__key*__:*"])?;
        listening.prints(&["psubscribe", "__key*__:*", "1"])?;
        prints(cli, "SET key x PX 30", "OK")?;
        for event in ["set", "expire", "expired"] {
            listening.prints(&["pmessage", "__key*__:*", "__keyspace@0__:key", event])?;
            let channel = format!("__keyevent@0__:{event}");
            listening.prints(&["pmessage", "__key*__:*", &channel, "key"])?;
        }
        Ok(())
    };
    let held = told();
    cli.says(&["CONFIG", "SET", "notify-keyspace-events", ""], b"")?;
    held
}

fn slow_log(cli: &Cli) -> Held {
    prints(cli, "CONFIG SET slowlog-log-slower-than 0", "OK")?;
    prints(cli, "SLOWLOG RESET", "OK")?;
    prints(cli, "ECHO seaweed", "seaweed")?;
    let log = cli.ask("SLOWLOG GET 10");
    prints(cli, "CONFIG SET slowlog-log-slower-than 10000", "OK")?;
    holds(log?.contains("\nseaweed\n127.0.0.1:"), "the entry")?;
    prints(cli, "SLOWLOG RESET", "OK")?;
    prints(cli, "SLOWLOG LEN", "0")
}

fn latency(cli: &Cli) -> Held {
    cli.ask("LATENCY RESET")?;
    prints(cli, "LATENCY LATEST", "")?;
    prints(cli, "CONFIG SET latency-monitor-threshold 1", "OK")?;
    prints(cli, "DEBUG SLEEP 0.05", "OK")?;
    let latest = cli.ask("LATENCY LATEST");
    prints(cli, "CONFIG SET latency-monitor-threshold 0", "OK")?;
    let latest = latest?;
    let fields: Vec<&str> = latest.lines().collect();
    holds(fields.len() == 4 && fields[0] == "command", &latest)?;
    holds((50..5000).contains(&fields[2].parse::<u32>()?), &latest)?;
    shows(cli, "LATENCY GRAPH command", "command - high ")?;
    prints(cli, "LATENCY RESET command", "1")?;
    // Its own measuring, which ends when it is not read from a terminal.
    let measured = cli.says(&["--raw", "-i", "0.1", "--latency"], b"")?;
    holds(measured.split(' ').count() == 4, &measured)
}

fn memory(cli: &Cli) -> Held {
    cli.says(&["-x", "SET", "key"], "x".repeat(100_000).as_bytes())?;
    let usage: u32 = cli.ask("MEMORY USAGE key")?.parse()?;
    holds((100_000..150_000).contains(&usage), "its memory")?;
    prints(cli, "MEMORY USAGE nothing", "")?;
    shows(cli, "MEMORY STATS", "keys.count")?;
    let doctor = cli.ask("MEMORY DOCTOR")?;
    holds(doctor.len() > 20, &doctor)?;
    let largest = cli.says(&["--memkeys"], b"")?;
    holds(
        largest.contains("Biggest string found '\"key\"' has 1"),
        &largest,
    )
}

fn clients(cli: &Cli) -> Held {
    let typed = "CLIENT SETNAME helmsman\nCLIENT GETNAME\nCLIENT LIST\nCLIENT INFO\nCLIENT ID\n";
    let printed = cli.says(&[], typed.as_bytes())?;
    let lines: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
    holds(lines[..2] == ["OK", "helmsman"], &printed)?;
    let id: u64 = lines.last().unwrap_or(&"").parse()?;
    let own = format!("id={id} addr=127.0.0.1:");
    let listed = lines.iter().filter(|line| line.starts_with(&own));
    let named = listed.filter(|line| line.contains(" name=helmsman "));
    holds(named.count() == 2, &printed)?;
    holds(printed.contains(" cmd=client|info user=default"), &printed)?;
    let refused = cli.says(&["CLIENT", "SETNAME", "a b"], b"")?;
    holds(
        refused.starts_with("ERR Client names cannot contain spaces"),
        &refused,
    )?;
    prints(cli, "CLIENT UNBLOCK 999999", "0")?;
    prints(cli, "CLIENT NO-EVICT on", "OK")?;
    prints(cli, "CLIENT LIST TYPE pubsub", "")
}

fn pipelines(cli: &Cli) -> Held {
    let mut commands = String::new();
    for i in 0..5000 {
        let value = format!("ripple-{i}");
        let (key, len) = (format!("key:{i}"), value.len());
        write!(
            commands,
            "*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${len}\r\n{value}\r\n",
            key.len()
        )?;
    }
    let piped = cli.says(&["--pipe"], commands.as_bytes())?;
    holds(piped.contains("errors: 0, replies: 5000"), &piped)?;
    prints(cli, "DBSIZE", "5000")?;
    prints(cli, "GET key:4999", "ripple-4999")?;
    let failing = cli.says(&["--pipe"], b"INCR key:1\r\nINCR n\r\n")?;
    holds(failing.contains("errors: 1, replies: 2"), &failing)?;
    prints(cli, "-r 5 INCR m", "1\n2\n3\n4\n5")
}

fn large_values(cli: &Cli) -> Held {
    let value = "abcdefgh".repeat(5 << 17) + "tail-of-a-large-value";
    let set = cli.says(&["-x", "SET", "large"], value.as_bytes())?;
    holds(set == "OK\n", &set)?;
    prints(cli, "STRLEN large", &value.len().to_string())?;
    prints(cli, "GETRANGE large -21 -1", "tail-of-a-large-value")?;
    let got = cli.says(&["GET", "large"], b"")?;
    holds(got.trim_end() == value, "the same")?;
    let set = cli.says(&["-X", "here", "SET", "key", "here"], b"a\0b")?;
    holds(set == "OK\n", &set)?;
    prints(cli, "STRLEN key", "3")
}

fn reconnect(cli: &Cli) -> Held {
    // It connects again by itself before the next command, once it has seen that it was closed.
    let typed = "SET key castaway\nCLIENT KILL TYPE normal SKIPME no\nGET key\nGET key\n";
    let printed = cli.says(&[], typed.as_bytes())?;
    let lines: Vec<&str> = printed.lines().collect();
    holds(
        lines.first() == Some(&"OK") && lines.last() == Some(&"castaway"),
        &printed,
    )?;
    prints(cli, "CLIENT KILL 127.0.0.1:1", "ERR No such client")?;
    prints(cli, "CONFIG SET requirepass sesame", "OK")?;
    let unsaid = cli.ask("GET key");
    let said = cli.ask("-a sesame --no-auth-warning GET key");
    let wrong = cli.ask("-a wrong --no-auth-warning GET key");
    let reset = cli.says(
        &[
            "-a",
            "sesame",
            "--no-auth-warning",
            "CONFIG",
            "SET",
            "requirepass",
            "",
        ],
        b"",
    )?;
    holds(reset == "OK\n", &reset)?;
    holds(unsaid?.contains("NOAUTH"), "no password")?;
    holds(said? == "castaway", "the password")?;
    holds(wrong?.contains("NOAUTH"), "a wrong password")
}

fn conveniences(cli: &Cli) -> Held {
    prints(cli, "RPUSH anchor chain", "1")?;
    cli.says(&["APPEND", "words", "weighed anchor"], b"")?;
    prints(cli, "GET words", "weighed anchor")?;
    prints(cli, "SADD fish a b c", "3")?;
    let mut keys: Vec<String> = cli.ask("--scan")?.lines().map(str::to_owned).collect();
    keys.sort_unstable();
    holds(keys == ["anchor", "fish", "words"], &format!("{keys:?}"))?;
    prints(cli, "--scan --pattern f*", "fish")?;
    prints(cli, "--csv LRANGE anchor 0 -1", "\"chain\"")?;
    prints(cli, "--json LRANGE anchor 0 -1", "[\"chain\"]")?;
    prints(cli, "-n 3 DBSIZE", "0")?;
    let big = cli.says(&["--bigkeys"], b"")?;
    holds(big.contains("1 strings with 14 bytes"), &big)?;
    holds(big.contains("1 sets with 3 members"), &big)?;
    let refused = "ERR wrong number of arguments for 'get' command";
    prints(cli, "GET", refused)?;
    let watching = Listening::begin(cli, &["MONITOR"])?;
    watching.prints(&["OK"])?;
    prints(cli, "ECHO seen", "seen")?;
    // In RESP3 another client's greeting is seen before what it asks.
    let seen = || match watching.lines.recv_timeout(Duration::from_secs(5)) {
        Ok(line) => Ok(line.to_lowercase().ends_with("] \"echo\" \"seen\"")),
        Err(error) => Err(error),
    };
    eventually(seen, "what another client asked")
}
