//! What a server says of itself, in each protocol: `INFO` and `DBSIZE`, or `stats`.

use std::time::Duration;

use super::{Dialogue, process_name};
use crate::target::Lookups;
use crate::wire::{Framed, Memcached, Resp, Wire};

/// What a server says of itself. What it does not say is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Survey {
    /// Its version.
    pub(crate) version: Option<String>,
    /// Its process.
    pub(crate) pid: Option<u32>,
    /// How many keys it holds.
    pub(crate) keys: u64,
    /// Lookups so far.
    pub(crate) lookups: Option<Lookups>,
    /// User and system time so far.
    pub(crate) cpu: Option<Duration>,
    /// Resident memory.
    pub(crate) rss_bytes: Option<u64>,
}

/// A protocol with the questions that one asks a server besides ops.
pub(crate) trait Spoken: Wire + 'static {
    /// Asks a server what it says of itself.
    ///
    /// # Errors
    /// It is gone, silent, or speaks something else.
    fn survey(dialogue: &mut Dialogue) -> Result<Survey, String>;

    /// Deletes all that the server holds and ops of ours reach.
    ///
    /// # Errors
    /// As [`Spoken::survey`], and where it refuses.
    fn flush(dialogue: &mut Dialogue) -> Result<(), String>;

    /// Whether process `pid` of this machine looks like a server of this protocol. A server in a
    /// container tells a number that is another process's out here.
    fn is(pid: u32) -> bool;
}

impl Spoken for Resp {
    fn survey(dialogue: &mut Dialogue) -> Result<Survey, String> {
        let keys = match reply(dialogue, "DBSIZE")? {
            Answer::Int(keys) => keys,
            Answer::Text(text) => return Err(dialogue.strange(text.as_bytes())),
        };
        // A server without INFO still answers ops.
        let Ok(Answer::Text(info)) = reply(dialogue, "INFO") else {
            return Ok(Survey {
                keys,
                ..Survey::default()
            });
        };
        let field = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
        };
        let seconds = |name| field(name)?.parse::<f64>().ok();
        let cpu = seconds("used_cpu_user")
            .zip(seconds("used_cpu_sys"))
            .and_then(|(user, sys)| Duration::try_from_secs_f64(user + sys).ok());
        let number = |name| field(name)?.parse::<u64>().ok();
        Ok(Survey {
            // Others say Redis's version too, since clients look at it.
            version: ["seawall_version", "valkey_version", "redis_version"]
                .iter()
                .find_map(|name| field(name))
                .map(str::to_owned),
            pid: number("process_id").and_then(|pid| pid.try_into().ok()),
            keys,
            lookups: number("keyspace_hits")
                .zip(number("keyspace_misses"))
                .map(|(hits, misses)| Lookups { hits, misses }),
            cpu,
            rss_bytes: number("used_memory_rss"),
        })
    }

    fn flush(dialogue: &mut Dialogue) -> Result<(), String> {
        match reply(dialogue, "FLUSHDB")? {
            Answer::Text(text) if text == "OK" => Ok(()),
            Answer::Text(text) => Err(dialogue.strange(text.as_bytes())),
            Answer::Int(number) => Err(dialogue.strange(number.to_string().as_bytes())),
        }
    }

    fn is(pid: u32) -> bool {
        let name = process_name(pid);
        ["redis", "valkey", "seawall", "keydb", "dragonfly"]
            .iter()
            .any(|known| name.starts_with(known))
    }
}

/// An answer in RESP, as far as it matters here.
enum Answer {
    Int(u64),
    Text(String),
}

/// Asks `command`, one word, and reads its reply.
fn reply(dialogue: &mut Dialogue, command: &str) -> Result<Answer, String> {
    dialogue.say(&format!("*1\r\n${}\r\n{command}\r\n", command.len()))?;
    let line = dialogue.line()?;
    let strange = |dialogue: &Dialogue| dialogue.strange(line.as_bytes());
    let (kind, rest) = line.split_at_checked(1).ok_or_else(|| strange(dialogue))?;
    match kind {
        "+" => Ok(Answer::Text(rest.to_owned())),
        "-" => Err(format!("refuses {command}: {rest}")),
        ":" => rest.parse().map(Answer::Int).map_err(|_| strange(dialogue)),
        "$" => {
            let len = rest.parse().map_err(|_| strange(dialogue))?;
            dialogue.block(len).map(Answer::Text)
        }
        _ => Err(strange(dialogue)),
    }
}

impl Spoken for Memcached {
    fn survey(dialogue: &mut Dialogue) -> Result<Survey, String> {
        /// No server has so many statistics: one that sends on and on is none.
        const LINES_MAX: usize = 10_000;
        dialogue.say("stats\r\n")?;
        let mut survey = Survey::default();
        let (mut user, mut sys, mut hits, mut misses) = (None, None, None, None);
        for _ in 0..LINES_MAX {
            let line = dialogue.line()?;
            let mut words = line.split(' ');
            let (Some("STAT"), Some(name), Some(value)) =
                (words.next(), words.next(), words.next())
            else {
                if line != "END" {
                    return Err(dialogue.strange(line.as_bytes()));
                }
                let seconds = user.zip(sys).map(|(user, sys): (f64, f64)| user + sys);
                survey.cpu = seconds.and_then(|cpu| Duration::try_from_secs_f64(cpu).ok());
                survey.lookups = hits
                    .zip(misses)
                    .map(|(hits, misses)| Lookups { hits, misses });
                return Ok(survey);
            };
            match name {
                "version" => survey.version = Some(value.to_owned()),
                "pid" => survey.pid = value.parse().ok(),
                "curr_items" => survey.keys = value.parse().unwrap_or(0),
                "rusage_user" => user = value.parse().ok(),
                "rusage_system" => sys = value.parse().ok(),
                "get_hits" => hits = value.parse().ok(),
                "get_misses" => misses = value.parse().ok(),
                _ => {}
            }
        }
        Err("sends statistics without end".to_owned())
    }

    fn flush(dialogue: &mut Dialogue) -> Result<(), String> {
        dialogue.say("flush_all\r\n")?;
        let line = dialogue.line()?;
        if line == "OK" {
            Ok(())
        } else {
            Err(dialogue.strange(line.as_bytes()))
        }
    }

    fn is(pid: u32) -> bool {
        let name = process_name(pid);
        ["memcached", "seawall"]
            .iter()
            .any(|known| name.starts_with(known))
    }
}

/// Nothing is to be asked of our own echo server: its target knows.
impl Spoken for Framed {
    fn survey(_dialogue: &mut Dialogue) -> Result<Survey, String> {
        Ok(Survey::default())
    }

    fn flush(_dialogue: &mut Dialogue) -> Result<(), String> {
        Ok(())
    }

    fn is(_pid: u32) -> bool {
        false
    }
}
