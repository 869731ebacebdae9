//! redis-benchmark: every test that it has, with many connections, threads and pipelines. It looks at the
//! kind of an answer only; what it left in the server is looked at here.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::held::{Held, fails, failure, holds};
use crate::installed::{self, Missing};
use crate::outcome::Outcome;
use crate::process::finish;

const REQUESTS: &str = "2000";

/// A section: its tests, how many rows they print, and a question with its answer afterwards.
const SECTIONS: &[(&str, &str, usize, &[&str], &str)] = &[
    ("greeting", "ping_inline,ping_mbulk", 2, &["DBSIZE"], "0"),
    (
        "writing",
        "set,mset",
        2,
        &["STRLEN", "key:__rand_int__"],
        "3",
    ),
    (
        "counting",
        "incr,lpush,rpush,sadd,hset,zadd",
        6,
        &["GET", "counter:__rand_int__"],
        REQUESTS,
    ),
    (
        "reading",
        "set,get,lpush,lpop,rpop,sadd,spop,zadd,zpopmin,lrange_100",
        11,
        &["LLEN", "mylist"],
        REQUESTS,
    ),
];

/// Runs every section.
pub fn run(server: SocketAddr, protocol: u8) -> Result<Outcome, Missing> {
    let benchmark = installed::program("redis-benchmark")?;
    let cli = installed::program("redis-cli")?;
    let port = server.port().to_string();
    let ask = |words: &[&str]| {
        let mut command = Command::new(&cli);
        command.args(["-p", &port]).args(words);
        String::from_utf8_lossy(&finish(command).stdout)
            .trim_end()
            .to_owned()
    };
    let mut outcome = Outcome::default();
    for (section, tests, rows, question, answer) in SECTIONS {
        let held = || {
            ask(&["FLUSHALL"]);
            measure(&benchmark, &port, protocol, tests, *rows)?;
            let left = ask(question);
            holds(
                left == *answer,
                &format!("{question:?}: {left} instead of {answer}"),
            )
        };
        outcome.note(section, failure(held));
    }
    Ok(outcome)
}

fn measure(program: &Path, port: &str, protocol: u8, tests: &str, rows: usize) -> Held {
    let mut command = Command::new(program);
    command.args([
        "-p",
        port,
        "-n",
        REQUESTS,
        "-c",
        "20",
        "-P",
        "8",
        "--threads",
        "2",
    ]);
    command.args(["--csv", "-t", tests]);
    if protocol == 3 {
        command.arg("-3");
    }
    let output = finish(command);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || text.contains("Error") || errors.contains("Error") {
        return fails(&format!("{} {text} {errors}", output.status));
    }
    let rates = text.lines().skip(1).filter_map(|row| row.split(',').nth(1));
    let rates = rates.filter_map(|rate| rate.trim_matches('"').parse::<f64>().ok());
    let finished = rates.filter(|rate| *rate > 0.0).count();
    holds(
        finished == rows,
        &format!("{finished} of {rows} tests: {text}"),
    )
}
