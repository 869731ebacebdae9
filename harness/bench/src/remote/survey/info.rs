//! What a server of Redis's protocol says: `INFO`, `DBSIZE`, `FLUSHDB`.

use std::time::Duration;

use super::{Spoken, Survey, is_one_of};
use crate::remote::Dialogue;
use crate::target::Lookups;
use crate::wire::Resp;

/// Fields that tell a version, and whose; the first that is there counts.
const VERSIONS: &[(&str, &str)] = &[
    ("seawall", "seawall_version"),
    ("valkey", "valkey_version"),
    ("dragonfly", "dragonfly_version"),
    ("redis", "redis_version"),
];

impl Spoken for Resp {
    fn survey(dialogue: &mut Dialogue) -> Result<Survey, String> {
        let keys = match reply(dialogue, "DBSIZE")? {
            Answer::Int(keys) => keys,
            other => return Err(other.is_strange(dialogue)),
        };
        // A server without INFO still answers ops.
        let Ok(Answer::Text(info)) = reply(dialogue, "INFO") else {
            return Ok(Survey {
                keys,
                ..Survey::default()
            });
        };
        Ok(read(&info, keys))
    }

    fn flush(dialogue: &mut Dialogue) -> Result<(), String> {
        dialogue.be_patient()?;
        is_done(dialogue, "FLUSHDB")
    }

    fn forget(dialogue: &mut Dialogue) -> Result<(), String> {
        is_done(dialogue, "CONFIG RESETSTAT")
    }

    fn save(dialogue: &mut Dialogue) -> Result<(), String> {
        match reply(dialogue, "BGSAVE")? {
            Answer::Text(text) if text == "Background saving started" => Ok(()),
            other => Err(other.is_strange(dialogue)),
        }
    }

    fn keep(dialogue: &mut Dialogue, key: &str, number: u64) -> Result<(), String> {
        is_done(dialogue, &format!("SET {key} {number}"))
    }

    fn kept(dialogue: &mut Dialogue, key: &str) -> Result<Option<u64>, String> {
        match reply(dialogue, &format!("GET {key}"))? {
            Answer::Nothing => Ok(None),
            Answer::Text(text) => match text.trim_end().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(dialogue.strange(text.as_bytes())),
            },
            other @ Answer::Int(_) => Err(other.is_strange(dialogue)),
        }
    }

    fn is(pid: u32) -> bool {
        let known = ["redis", "valkey", "seawall", "keydb", "dragonfly"];
        is_one_of(&known, pid)
    }
}

/// Asks `command`, and hears that it was done.
fn is_done(dialogue: &mut Dialogue, command: &str) -> Result<(), String> {
    match reply(dialogue, command)? {
        Answer::Text(text) if text == "OK" => Ok(()),
        other => Err(other.is_strange(dialogue)),
    }
}

/// The fields of `INFO` that matter here.
fn read(info: &str, keys: u64) -> Survey {
    let field = |name: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let text = |name| field(name).map(str::to_owned);
    let seconds = |name| field(name)?.parse::<f64>().ok();
    let number = |name| field(name)?.parse::<u64>().ok();
    let known = VERSIONS.iter().find(|(_, name)| field(name).is_some());
    // Redis says zeroes where it was built without its repository.
    let is_commit = |commit: &String| commit.contains(|digit: char| digit != '0');
    Survey {
        product: known.map(|(product, _)| *product),
        version: known.and_then(|(_, name)| text(name)),
        commit: text("redis_git_sha1").filter(is_commit),
        allocator: text("mem_allocator"),
        network: text("multiplexing_api"),
        pid: number("process_id").and_then(|pid| pid.try_into().ok()),
        keys,
        lookups: number("keyspace_hits")
            .zip(number("keyspace_misses"))
            .map(|(hits, misses)| Lookups { hits, misses }),
        cpu: seconds("used_cpu_user")
            .zip(seconds("used_cpu_sys"))
            .and_then(|(user, sys)| Duration::try_from_secs_f64(user + sys).ok()),
        rss_bytes: number("used_memory_rss"),
        used_bytes: number("used_memory"),
        save_extra_bytes: number("rdb_last_cow_size"),
        // None was watched where the monitor is off.
        longest_turn_us: number("longest_turn_usec").filter(|us| *us > 0),
    }
}

/// An answer in RESP, as far as it matters here.
enum Answer {
    Int(u64),
    Text(String),
    Nothing,
}

impl Answer {
    /// An error: nobody expected it.
    fn is_strange(&self, dialogue: &Dialogue) -> String {
        match self {
            Answer::Int(number) => dialogue.strange(number.to_string().as_bytes()),
            Answer::Text(text) => dialogue.strange(text.as_bytes()),
            Answer::Nothing => dialogue.strange(b"$-1"),
        }
    }
}

/// Asks `command`, some words, and reads its reply.
fn reply(dialogue: &mut Dialogue, command: &str) -> Result<Answer, String> {
    let words: Vec<&str> = command.split(' ').collect();
    let bulks = words
        .iter()
        .map(|word| format!("${}\r\n{word}\r\n", word.len()));
    dialogue.say(&format!(
        "*{}\r\n{}",
        words.len(),
        bulks.collect::<String>()
    ))?;
    let line = dialogue.line()?;
    let strange = |dialogue: &Dialogue| dialogue.strange(line.as_bytes());
    let (kind, rest) = line.split_at_checked(1).ok_or_else(|| strange(dialogue))?;
    match kind {
        "+" => Ok(Answer::Text(rest.to_owned())),
        "-" => Err(format!("refuses {command}: {rest}")),
        ":" => rest.parse().map(Answer::Int).map_err(|_| strange(dialogue)),
        "$" if rest == "-1" => Ok(Answer::Nothing),
        "$" => {
            let len = rest.parse().map_err(|_| strange(dialogue))?;
            dialogue.block(len).map(Answer::Text)
        }
        _ => Err(strange(dialogue)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_own_version() {
        let redis =
            "# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:00000000\r\nprocess_id:17\r\n";
        let survey = read(redis, 3);
        assert_eq!(
            (survey.product, survey.version.as_deref(), survey.commit),
            (Some("redis"), Some("7.0.15"), None)
        );
        assert_eq!((survey.pid, survey.keys), (Some(17), 3));
        let seawall = "redis_version:7.0.15\r\nseawall_version:0.1.0\r\nredis_git_sha1:0abc\r\n";
        let survey = read(seawall, 0);
        assert_eq!(
            (survey.product, survey.version.as_deref()),
            (Some("seawall"), Some("0.1.0"))
        );
        assert_eq!(survey.commit.as_deref(), Some("0abc"));
        assert_eq!(survey.notes()["server"], "seawall");
    }
}
