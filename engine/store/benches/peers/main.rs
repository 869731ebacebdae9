//! Seawall beside other in-process stores, and beside what memory itself allows.
//!
//! ```text
//! cargo bench -p seawall-store --features peers --bench peers -- --keys 1m --threads 1 --only uniform
//! ```
//!
//! 16-byte keys and 100-byte values, of any length for all but the floor; values are copied out, every answer
//! is checked, and the allocator is mimalloc for all. Ours, one peer and the floor run by turns (`contest`):
//! one at a time they fit in memory also with ten million keys.
//! Dependent latency and independent throughput are two figures, since a processor overlaps what does not hang
//! on each other.

mod apart;
mod caches;
mod contest;
mod key;
mod machine;
mod maps;
mod memory;
mod run;
mod seawall;
mod store;
mod table;
mod work;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, RwLock};

use contest::{Outcome, contest};
use run::{Pace, Runs, Slice, Timer};
use seawall_store::Store;
use store::Peer;
use work::Draw;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Bytes = Box<[u8]>;

const USAGE: &str = "--parts speed,memory --keys 1m,10m --threads 1,2 --only uniform,zipf --writes 5,50 \
                     --peers dashmap,scc --rounds 7 --timer wall --alone one,dependent,batch --ops 100000";

/// What was asked for.
struct Asked {
    keys: Vec<u32>,
    threads: Vec<usize>,
    draws: Vec<Draw>,
    writes_percent: Vec<u32>,
    peers: Vec<String>,
    rounds: usize,
    timer: Timer,
    speed: bool,
    memory: bool,
    /// Ours by itself, in these paces, and how many ops a thread: for a profiler.
    alone: Vec<Pace>,
    ops: usize,
}

/// Loads a peer and hands it on, whatever its type.
struct Entrant {
    name: &'static str,
    load: fn(u32, usize) -> Box<dyn Runs>,
}

fn entrant<P: Peer + 'static>() -> Entrant {
    Entrant {
        name: P::NAME,
        load: |keys, threads| Box::new(P::load(keys, threads)),
    }
}

/// Everybody that ours is compared with.
fn entrants() -> Vec<Entrant> {
    vec![
        entrant::<dashmap::DashMap<Bytes, Bytes>>(),
        entrant::<papaya::HashMap<Bytes, Bytes>>(),
        entrant::<scc::HashMap<Bytes, Bytes>>(),
        entrant::<RwLock<HashMap<Bytes, Bytes>>>(),
        entrant::<apart::MapEach>(),
        entrant::<quick_cache::sync::Cache<Bytes, Arc<[u8]>>>(),
        entrant::<foyer_memory::Cache<Bytes, Arc<[u8]>>>(),
        entrant::<moka::sync::Cache<Bytes, Arc<[u8]>>>(),
    ]
}

fn main() {
    let asked = match Asked::parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(2);
        }
    };
    // The mask is read before anything is pinned.
    let cpus = seawall_sys::pin::allowed().len();
    println!("# Seawall beside other in-process stores (mimalloc, {cpus} CPUs)\n");
    if asked.memory && asked.alone.is_empty() {
        memory::print(10_000_000, 8, 16.0);
        memory::print(1_000_000, 100, 20.0);
    }
    if !asked.speed {
        return;
    }
    if !asked.alone.is_empty() {
        for &keys in &asked.keys {
            asked
                .threads
                .iter()
                .for_each(|&threads| alone(&asked, keys, threads));
        }
        return;
    }
    run::pin(0);
    println!(
        "This machine, now: {:.0} ns from one random read of 512 MiB on huge pages to the next that hangs on it; \
         {:.1} GB/s copied.",
        machine::latency_ns(),
        machine::copy_gb_per_s()
    );
    for &keys in &asked.keys {
        for &threads in &asked.threads {
            cells(&asked, keys, threads);
        }
    }
}

/// Runs ours and nobody else, so many ops and no more: what two such runs differ by is what as many ops cost.
fn alone(asked: &Asked, keys: u32, threads: usize) {
    let ours = Store::load(keys, threads);
    for (draw, writes) in works(asked) {
        let sequences = sequences(draw, keys, writes, threads);
        for &pace in &asked.alone {
            let slice = Slice {
                pace,
                timer: asked.timer,
                sequences: &sequences,
                ops: asked.ops,
                from: 0,
            };
            let ns = ours.run(&slice).as_nanos() as f64 / asked.ops as f64;
            println!(
                "- {keys} keys, {}, {writes} % writes, {threads} threads, {}: {ns:.1} ns an op of a thread",
                draw.name(),
                pace.name()
            );
        }
    }
}

fn works(asked: &Asked) -> impl Iterator<Item = (Draw, u32)> {
    let writes = &asked.writes_percent;
    let works = |&draw: &Draw| writes.iter().map(move |&writes| (draw, writes));
    asked.draws.iter().flat_map(works)
}

/// A sequence for each thread.
fn sequences(draw: Draw, keys: u32, writes_percent: u32, threads: usize) -> Vec<Vec<u32>> {
    let seeds = 1..=threads as u64;
    seeds
        .map(|seed| work::draw(draw, keys, writes_percent, seed))
        .collect()
}

/// Runs all cells of so many keys and threads: whoever is loaded runs all of them.
fn cells(asked: &Asked, keys: u32, threads: usize) {
    let works: Vec<(Draw, u32)> = works(asked).collect();
    let sequences: Vec<Vec<Vec<u32>>> = (works.iter())
        .map(|&(draw, writes)| sequences(draw, keys, writes, threads))
        .collect();
    let ours = Store::load(keys, threads);
    let floor = apart::Floor::load(keys, threads);
    let mut outcomes: Vec<Vec<(&str, Outcome)>> = vec![Vec::new(); works.len()];
    let invited = |name: &str| {
        let name = name.to_lowercase();
        asked.peers.is_empty() || asked.peers.iter().any(|peer| name.contains(peer))
    };
    for entrant in entrants().into_iter().filter(|peer| invited(peer.name)) {
        eprintln!("{keys} keys, {threads} threads: {}", entrant.name);
        let peer = (entrant.load)(keys, threads);
        for (outcomes, sequences) in outcomes.iter_mut().zip(&sequences) {
            let outcome = contest(
                [&ours, &*peer, &floor],
                sequences,
                asked.timer,
                asked.rounds,
            );
            outcomes.push((entrant.name, outcome));
        }
    }
    for ((draw, writes), outcomes) in works.iter().zip(&outcomes) {
        let reads = 100 - writes;
        let title = format!(
            "{keys} keys, {}, {reads}:{writes}, {threads} pinned threads, {} time",
            draw.name(),
            asked.timer.name(),
        );
        let bars = if keys >= 10_000_000 && *draw == Draw::Uniform {
            &table::LARGE
        } else {
            &table::SMALL
        };
        table::print(&title, outcomes, threads, bars);
    }
}

impl Asked {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
        let mut asked = Asked {
            keys: vec![1_000_000, 10_000_000],
            threads: vec![1, 2],
            draws: vec![Draw::Uniform, Draw::Zipf],
            writes_percent: vec![5, 50],
            peers: Vec::new(),
            rounds: 7,
            timer: Timer::Wall,
            speed: true,
            memory: true,
            alone: Vec::new(),
            ops: 100_000,
        };
        while let Some(flag) = args.next() {
            // Cargo says that this is a benchmark.
            if flag == "--bench" {
                continue;
            }
            let value = args.next().ok_or(format!("{flag} takes a value"))?;
            match flag.as_str() {
                "--keys" => asked.keys = list(&value, count)?,
                "--threads" => asked.threads = list(&value, up_to(2))?,
                "--only" => asked.draws = list(&value, draw_called)?,
                "--writes" => asked.writes_percent = list(&value, up_to(100))?,
                "--peers" => asked.peers = list(&value, |word| Some(word.to_lowercase()))?,
                "--rounds" => asked.rounds = up_to(1000)(&value).ok_or("--rounds: 1 to 1000")?,
                "--timer" => {
                    let timers = [Timer::Wall, Timer::Cpu];
                    let named = timers.into_iter().find(|timer| timer.name() == value);
                    asked.timer = named.ok_or("--timer takes wall or cpu")?;
                }
                "--alone" => asked.alone = list(&value, pace_called)?,
                "--ops" => asked.ops = count(&value).ok_or("--ops takes a number")? as usize,
                "--parts" => {
                    let parts = list(&value, |word| Some(word.to_owned()))?;
                    asked.speed = parts.iter().any(|part| part == "speed");
                    asked.memory = parts.iter().any(|part| part == "memory");
                }
                _ => return Err(format!("{flag}? {USAGE}")),
            }
        }
        Ok(asked)
    }
}

fn list<T>(words: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let parsed = words
        .split(',')
        .map(|word| parse(word).ok_or(format!("{word}? is none of the accepted values")));
    parsed.collect()
}

/// A number from 1 to `most`.
fn up_to<N: FromStr + PartialOrd + From<u8> + TryFrom<u16>>(
    most: u16,
) -> impl Fn(&str) -> Option<N> {
    move |word| {
        let most = N::try_from(most).ok()?;
        word.parse()
            .ok()
            .filter(|n| (N::from(1)..=most).contains(n))
    }
}

/// A number of keys: `500k`, `1m`.
fn count(word: &str) -> Option<u32> {
    let (digits, times) = match word.strip_suffix('m') {
        Some(digits) => (digits, 1_000_000),
        None => word
            .strip_suffix('k')
            .map_or((word, 1), |digits| (digits, 1_000)),
    };
    // Above, the mark of a write begins.
    digits
        .parse::<u32>()
        .ok()?
        .checked_mul(times)
        .filter(|&n| n > 0 && n < work::WRITE)
}

fn pace_called(word: &str) -> Option<Pace> {
    run::PACES.into_iter().find(|pace| pace.name() == word)
}

fn draw_called(word: &str) -> Option<Draw> {
    [Draw::Uniform, Draw::Zipf]
        .into_iter()
        .find(|draw| draw.name() == word)
}
