//! What a server of Memcached's protocol says: `stats`, `flush_all`, and a key by its classic words.

use std::time::Duration;

use super::{Spoken, Survey, is_one_of};
use crate::remote::{Address, Dialogue};
use crate::target::Lookups;
use crate::wire::{Classic, Meta};

/// No server has so many statistics: one that sends on and on is none.
const LINES_MAX: usize = 10_000;

/// Both sets of words have the same questions.
macro_rules! spoken {
    ($wire:ty) => {
        impl Spoken for $wire {
            fn survey(dialogue: &mut Dialogue) -> Result<Survey, String> {
                survey(dialogue)
            }

            fn is_empty(survey: &Survey, address: &Address) -> Result<Option<bool>, String> {
                is_empty(survey, address)
            }

            fn keep(dialogue: &mut Dialogue, key: &str, number: u64) -> Result<(), String> {
                keep(dialogue, key, number)
            }

            fn kept(dialogue: &mut Dialogue, key: &str) -> Result<Option<u64>, String> {
                kept(dialogue, key)
            }

            fn flush(dialogue: &mut Dialogue) -> Result<(), String> {
                flush(dialogue)
            }

            fn is(pid: u32) -> bool {
                is_one_of(&["memcached", "seawall"], pid)
            }
        }
    };
}

spoken!(Classic);
spoken!(Meta);

fn survey(dialogue: &mut Dialogue) -> Result<Survey, String> {
    dialogue.say("stats\r\n")?;
    let mut survey = Survey::default();
    let (mut user, mut sys, mut hits, mut misses) = (None, None, None, None);
    for _ in 0..LINES_MAX {
        let line = dialogue.line()?;
        let mut words = line.split(' ');
        let (Some("STAT"), Some(name), Some(value)) = (words.next(), words.next(), words.next())
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
            "version" if survey.product.is_none() => {
                survey.product = Some("memcached");
                survey.version = Some(value.to_owned());
            }
            // It says the version of the Memcached that it behaves as, too.
            "seawall_version" => {
                survey.product = Some("seawall");
                survey.version = Some(value.to_owned());
            }
            "pid" => survey.pid = value.parse().ok(),
            "bytes" => survey.used_bytes = value.parse().ok(),
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

fn keep(dialogue: &mut Dialogue, key: &str, number: u64) -> Result<(), String> {
    let value = number.to_string();
    dialogue.say(&format!("set {key} 0 0 {}\r\n{value}\r\n", value.len()))?;
    match dialogue.line()?.as_str() {
        "STORED" => Ok(()),
        line => Err(dialogue.strange(line.as_bytes())),
    }
}

fn kept(dialogue: &mut Dialogue, key: &str) -> Result<Option<u64>, String> {
    dialogue.say(&format!("get {key}\r\n"))?;
    let mut number = None;
    loop {
        let line = dialogue.line()?;
        if line == "END" {
            return Ok(number);
        }
        let value = dialogue.line()?;
        if number.is_some() || !line.starts_with("VALUE ") {
            return Err(dialogue.strange(line.as_bytes()));
        }
        number = Some(
            value
                .parse()
                .map_err(|_| dialogue.strange(value.as_bytes()))?,
        );
    }
}

/// `flush_all` only marks items as gone, and `curr_items` still counts them. A list of the keys that are
/// alive tells, where the server gives one: its first line is enough, so it has a connection of its own.
fn is_empty(survey: &Survey, address: &Address) -> Result<Option<bool>, String> {
    if survey.keys == 0 {
        return Ok(Some(true));
    }
    let mut dialogue = Dialogue::open(address)?;
    dialogue.say("lru_crawler metadump all\r\n")?;
    let line = dialogue.line()?;
    Ok(match line.as_str() {
        "END" => Some(true),
        key if key.starts_with("key=") => Some(false),
        // It has no such list, or makes one for somebody else.
        _ => None,
    })
}

fn flush(dialogue: &mut Dialogue) -> Result<(), String> {
    dialogue.be_patient()?;
    dialogue.say("flush_all\r\n")?;
    let line = dialogue.line()?;
    if line == "OK" {
        Ok(())
    } else {
        Err(dialogue.strange(line.as_bytes()))
    }
}
