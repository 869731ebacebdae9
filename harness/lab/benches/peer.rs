//! How fast policies replay beside libCacheSim's own, in the same run: requests per second of CPU time.
//!
//! ```text
//! cargo bench -p seawall-lab --bench peer -- TRACE [--format F] [--peer DIR] [--policy P,..] [--size S,..]
//! ```
//!
//! TRACE is any trace that `seawall replay` reads. Sizes count objects. The peer runs in a process of its own (see
//! `peer/libcachesim.py`, which installs it into DIR), over the same requests held in memory; its hash
//! table is as large as the trace's objects want, as is best for it. A cell is timed in turns, A B B A, and what is told is the
//! ratio of medians. A cell whose misses differ says so. Without a peer's interpreter or compiler the bench
//! says why and ends with status 1.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use clap::Parser;
use seawall_lab::{Size, Subject, Unit};
use seawall_report::stats::order::median;
use seawall_sys::usage::process_cpu;
use seawall_workloads::trace::{FormatSpec, Trace};

/// Ours, the peer's name and parameters; and whether the peer draws at random, so that misses may differ.
const PAIRS: &[(&str, &str, &str, bool)] = &[
    ("fifo", "FIFO", "-", false),
    ("lru", "LRU", "-", false),
    ("clock", "Clock", "-", false),
    ("sieve", "Sieve", "-", false),
    ("s3fifo", "S3FIFO", "-", false),
    ("s3fifo-sosp23", "S3FIFOv0", "-", false),
    ("lfu", "LFU", "-", false),
    ("slru", "SLRU", "-", false),
    ("twoq", "TwoQ", "-", false),
    ("arc", "ARC", "-", false),
    ("lirs", "LIRS", "-", false),
    ("gdsf", "GDSF", "-", false),
    ("wtinylfu:variant=libcachesim", "WTinyLFU", "-", false),
    ("belady", "Belady", "-", false),
    ("allkeys-random", "Random", "-", true),
    ("hyperbolic", "Hyperbolic", "-", true),
    ("lecar", "LeCaR", "-", true),
    ("cacheus", "Cacheus", "-", true),
    ("cacheus", "Cacheus", "-", true),
    ("lhd", "LHD", "-", true),
];

/// Turns of each side and cell.
const TURNS: usize = 7;

#[derive(Parser)]
struct Arguments {
    trace: PathBuf,
    #[arg(long)]
    format: Option<FormatSpec>,
    /// Where the peer is installed
    #[arg(long, default_value = "target/peer")]
    peer: PathBuf,
    #[arg(long, value_delimiter = ',')]
    policy: Vec<String>,
    #[arg(long, value_delimiter = ',', default_value = "1%,10%")]
    size: Vec<Size>,
    /// Cargo says this to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    if let Err(error) = compare(&arguments) {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn compare(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let trace = Trace::read(&arguments.trace, arguments.format.as_ref(), &mut |_| {})?;
    let records = tempfile::NamedTempFile::new()?;
    write_records(&trace, records.path())?;
    let mut peer = Peer::start(&arguments.peer)?;
    println!(
        "{}: {} requests, {} objects; M requests per second of CPU time, medians of {TURNS}\n",
        trace.name(),
        trace.len(),
        trace.object_count()
    );
    println!("| policy | objects | ours | peer | ratio | misses |");
    println!("|---|---:|---:|---:|---:|---|");
    for &(ours, theirs, params, random) in PAIRS {
        if !arguments.policy.is_empty() && !arguments.policy.iter().any(|name| name == ours) {
            continue;
        }
        let Ok(subjects) = Subject::parse_list(ours) else {
            continue;
        };
        for size in &arguments.size {
            let size = size.resolve(&trace, Unit::Objects)?;
            let hashpower = 64 - u64::from(trace.object_count()).leading_zeros();
            let command = format!(
                "memory {theirs} {params} {size} {hashpower} 1 {}",
                records.path().display()
            );
            let cell = turns(
                || Ok(timed(&trace, &subjects[0], size)),
                || peer.ask(&command),
            )?;
            let same = match (cell.misses[0] == cell.misses[1], random) {
                (true, _) => "equal".to_owned(),
                (false, true) => format!("{} and {}", cell.misses[0], cell.misses[1]),
                (false, false) => format!("DIFFER: {} and {}", cell.misses[0], cell.misses[1]),
            };
            let rate = |seconds: f64| trace.len() as f64 / seconds / 1e6;
            println!(
                "| {ours} | {size} | {:.1} | {:.2} | {:.1} | {same} |",
                rate(cell.seconds[0]),
                rate(cell.seconds[1]),
                cell.seconds[1] / cell.seconds[0],
            );
        }
    }
    Ok(())
}

/// Median seconds and misses, ours first.
struct Cell {
    seconds: [f64; 2],
    misses: [u64; 2],
}

type Timed = Result<(f64, u64), Box<dyn std::error::Error>>;

fn turns(
    mut ours: impl FnMut() -> Timed,
    mut theirs: impl FnMut() -> Timed,
) -> Result<Cell, Box<dyn std::error::Error>> {
    let mut seconds = [Vec::new(), Vec::new()];
    let mut misses = [0, 0];
    for turn in 0..TURNS {
        for side in [turn % 2, 1 - turn % 2] {
            let (time, count) = if side == 0 { ours()? } else { theirs()? };
            seconds[side].push(time);
            misses[side] = count;
        }
    }
    let middle = |times: &Vec<f64>| median(times).expect("a time per turn");
    Ok(Cell {
        seconds: [middle(&seconds[0]), middle(&seconds[1])],
        misses,
    })
}

fn timed(trace: &Trace, subject: &Subject, size: u64) -> (f64, u64) {
    let start = process_cpu();
    let counts = black_box(subject.replay(trace, size, Unit::Objects, 1));
    let time: Duration = process_cpu().saturating_sub(start);
    (time.as_secs_f64(), counts.misses)
}

/// The peer, waiting for commands.
struct Peer {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(folder: &Path) -> Result<Peer, Box<dyn std::error::Error>> {
        std::fs::create_dir_all(folder)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer/libcachesim.py");
        let mut process = Command::new("python3")
            .arg(script)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = process.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        let mut peer = Peer {
            process,
            commands,
            answers,
        };
        peer.line()?;
        Ok(peer)
    }

    fn ask(&mut self, command: &str) -> Timed {
        writeln!(self.commands, "{command}")?;
        let line = self.line()?;
        let (seconds, misses) = line.trim().split_once(' ').ok_or("no answer")?;
        Ok((seconds.parse()?, misses.parse()?))
    }

    fn line(&mut self) -> Result<String, Box<dyn std::error::Error>> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err("the peer ended; what it said stands above".into()),
            _ => Ok(line),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends when its input does; killed, it cannot be waited for in vain.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The trace as uncompressed oracle-general records, under the numbers of its source.
fn write_records(trace: &Trace, path: &Path) -> std::io::Result<()> {
    let mut next_of = vec![-2i64; trace.object_count() as usize];
    let mut next = vec![-2i64; trace.len()];
    for (request, &object) in trace.objects().iter().enumerate().rev() {
        next[request] = std::mem::replace(&mut next_of[object as usize], request as i64);
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for (request, &object) in trace.objects().iter().enumerate() {
        let time = trace
            .times_s()
            .get(request)
            .copied()
            .unwrap_or(request as u32);
        file.write_all(&time.to_le_bytes())?;
        let number = trace.numbers().get(object as usize).copied();
        file.write_all(&number.unwrap_or(u64::from(object)).to_le_bytes())?;
        file.write_all(&trace.size(request).to_le_bytes())?;
        file.write_all(&next[request].to_le_bytes())?;
    }
    file.flush()
}
