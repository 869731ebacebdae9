//! How fast policies replay beside libCacheSim's own, in the same run: requests per second of CPU time.
//!
//! ```text
//! cargo bench -p seawall-lab --bench peer -- TRACE [--format F] [--peer DIR] [--policy P,..] [--size S,..]
//! ```
//!
//! TRACE is any trace that `seawall replay` reads. Sizes count objects. The peer runs in a process of its own (see
//! `peer/libcachesim.py`, which installs it into DIR), over the same requests held in memory; its hash
//! table is as large as the trace's objects want, as is best for it. A cell is timed in turns, A B B A, and what is told is the
//! ratio of medians. A cell whose misses differ says so. With `--program target/release/seawall` whole processes are
//! compared, too: that program's `replay` and the peer's command line as it is by default, which is built for it (cmake,
//! `GLib` and Zstandard with their headers). Without a peer's interpreter or compiler the bench
//! says why and ends with status 1.

use std::cell::RefCell;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use clap::Parser;
use seawall_lab::{Counts, Parts, Size, Subject, Unit};
use seawall_report::stats::order::median;
use seawall_sys::usage::process_cpu;
use seawall_workloads::trace::{FormatSpec, Trace, TraceError};

/// A policy here and there.
struct Pair {
    ours: &'static str,
    theirs: &'static str,
    /// The peer draws at random, so misses may differ.
    is_random: bool,
}

const fn same(ours: &'static str, theirs: &'static str) -> Pair {
    Pair {
        ours,
        theirs,
        is_random: false,
    }
}

const fn random(ours: &'static str, theirs: &'static str) -> Pair {
    Pair {
        ours,
        theirs,
        is_random: true,
    }
}

const PAIRS: &[Pair] = &[
    same("fifo", "FIFO"),
    same("lru", "LRU"),
    same("clock", "Clock"),
    same("sieve", "Sieve"),
    same("s3fifo", "S3FIFO"),
    same("s3fifo-sosp23", "S3FIFOv0"),
    same("lfu", "LFU"),
    same("slru", "SLRU"),
    same("twoq", "TwoQ"),
    same("arc", "ARC"),
    same("lirs", "LIRS"),
    same("gdsf", "GDSF"),
    same("wtinylfu:variant=libcachesim", "WTinyLFU"),
    same("belady", "Belady"),
    random("allkeys-random", "Random"),
    random("hyperbolic", "Hyperbolic"),
    random("lecar", "LeCaR"),
    random("cacheus", "Cacheus"),
    random("lhd", "LHD"),
];

impl Pair {
    fn subject(&self) -> Result<Subject, Box<dyn std::error::Error>> {
        Ok(Subject::parse_list(self.ours)?.remove(0))
    }

    /// What the peer is told to do.
    fn command(
        &self,
        kind: &str,
        size: u64,
        ignore_size: bool,
        trace: &Trace,
        records: &Path,
    ) -> String {
        let hashpower = 64 - u64::from(trace.object_count()).leading_zeros();
        format!(
            "{kind} {} - {size} {hashpower} {} {}",
            self.theirs,
            u8::from(ignore_size),
            records.display()
        )
    }
}

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
    /// Seawall's program, to be compared with the peer's command line
    #[arg(long)]
    program: Option<PathBuf>,
    #[arg(long, value_delimiter = ',')]
    policy: Vec<String>,
    #[arg(long, value_delimiter = ',', default_value = "1%,10%")]
    size: Vec<Size>,
    /// Cargo says this to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn asks_for(&self, pair: &Pair) -> bool {
        self.policy.is_empty() || self.policy.iter().any(|name| name == pair.ours)
    }
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
    // The peer goes by names, whatever it is told.
    let records = tempfile::Builder::new()
        .suffix(".oracleGeneral")
        .tempfile()?;
    write_records(&trace, records.path())?;
    let mut peer = Peer::start(&arguments.peer)?;
    let compiled = compiling(records.path())?;
    println!(
        "{}: {} requests, {} objects; M requests per second of CPU time, medians of {TURNS}. Compiling the trace from \
         uncompressed oracle-general takes {:.0} ms, which so many replays pay back.\n",
        trace.name(),
        trace.len(),
        trace.object_count(),
        compiled * 1e3
    );
    let asked: Vec<&Pair> = PAIRS
        .iter()
        .filter(|pair| arguments.asks_for(pair))
        .collect();
    println!("Reader excluded, sizes in objects:\n");
    println!("| policy | size | ours | peer | ratio | misses | paid back by |");
    println!("|---|---:|---:|---:|---:|---|---:|");
    let parts = Parts::whole(&trace);
    for pair in &asked {
        let subject = pair.subject()?;
        for size in &arguments.size {
            let size = size.resolve(trace.outline(), Unit::Objects)?;
            let replay = || subject.replay_parts((&trace).into(), &parts, size, Unit::Objects, 1);
            let command = pair.command("memory", size, true, &trace, records.path());
            let cell = turns(|| timed(replay), || peer.ask(&command))?;
            let saved = cell.seconds[1] - cell.seconds[0];
            let told = cell.told(&trace, pair);
            println!(
                "| {} | {size} | {told} | {:.0} |",
                pair.ours,
                (compiled / saved).ceil()
            );
        }
    }
    // Some of the peer's policies that draw end its process where it reads itself.
    let asked: Vec<&Pair> = asked.into_iter().filter(|pair| !pair.is_random).collect();
    println!("\nReader included, both from uncompressed oracle-general, sizes in bytes:\n");
    println!("| policy | size | ours | peer | ratio | misses |");
    println!("|---|---:|---:|---:|---:|---|");
    for pair in &asked {
        let subject = pair.subject()?;
        for size in &arguments.size {
            let size = size.resolve(trace.outline(), Unit::Bytes)?;
            let command = pair.command("file", size, false, &trace, records.path());
            let cell = turns(
                || read(records.path(), &subject, size),
                || peer.ask(&command),
            )?;
            println!("| {} | {size} | {} |", pair.ours, cell.told(&trace, pair));
        }
    }
    let Some(program) = &arguments.program else {
        return Ok(());
    };
    let (program, theirs) = (program.canonicalize()?, peer.build()?);
    println!("\nWhole processes, from uncompressed oracle-general, sizes in objects:\n");
    println!("| policy | size | ours | peer | ratio |");
    println!("|---|---:|---:|---:|---:|");
    for pair in &asked {
        for size in &arguments.size {
            let size = size.resolve(trace.outline(), Unit::Objects)?;
            let ours = format!(
                "run {} replay {} --format oracle-general --policy {} --size {size} --ignore-size",
                program.display(),
                records.path().display(),
                pair.ours
            );
            let theirs = format!(
                "run {theirs} {} oracleGeneral {} {size} --ignore-obj-size 1 --num-thread 1",
                records.path().display(),
                pair.theirs.to_lowercase()
            );
            let asking = RefCell::new(&mut peer);
            let ask = |command: &str| asking.borrow_mut().ask(command);
            let cell = turns(|| ask(&ours), || ask(&theirs))?;
            println!("| {} | {size} | {} |", pair.ours, cell.rates(&trace));
        }
    }
    Ok(())
}

/// Median seconds and misses, ours first.
struct Cell {
    seconds: [f64; 2],
    misses: [u64; 2],
}

impl Cell {
    /// Its rates, their ratio, and whether misses are the same.
    fn told(&self, trace: &Trace, pair: &Pair) -> String {
        let [ours, theirs] = self.misses;
        let same = match (ours == theirs, pair.is_random) {
            (true, _) => "equal".to_owned(),
            (false, true) => format!("{ours} and {theirs}"),
            (false, false) => format!("DIFFER: {ours} and {theirs}"),
        };
        format!("{} | {same}", self.rates(trace))
    }

    fn rates(&self, trace: &Trace) -> String {
        let [ours, theirs] = self.seconds;
        let rate = |seconds: f64| trace.len() as f64 / seconds / 1e6;
        format!(
            "{:.1} | {:.2} | {:.1}",
            rate(ours),
            rate(theirs),
            theirs / ours
        )
    }
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

fn timed(replay: impl FnOnce() -> Result<Vec<Counts>, TraceError>) -> Timed {
    let start = process_cpu();
    let counts = black_box(replay()?);
    let time: Duration = process_cpu().saturating_sub(start);
    let misses = counts.iter().map(|counts| counts.misses).sum();
    Ok((time.as_secs_f64(), misses))
}

/// Reads the records and replays them.
fn read(records: &Path, subject: &Subject, size: u64) -> Timed {
    let start = process_cpu();
    let trace = Trace::read(records, Some(&"oracle-general".parse()?), &mut |_| {})?;
    let counts = black_box(subject.replay(&trace, size, Unit::Bytes, 1));
    let time: Duration = process_cpu().saturating_sub(start);
    Ok((time.as_secs_f64(), counts.misses))
}

/// Seconds to make dense columns of the records.
fn compiling(records: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let format: FormatSpec = "oracle-general".parse()?;
    let mut seconds = Vec::new();
    for _ in 0..TURNS {
        let start = process_cpu();
        black_box(Trace::read(records, Some(&format), &mut |_| {})?);
        seconds.push(process_cpu().saturating_sub(start).as_secs_f64());
    }
    Ok(median(&seconds).expect("a time per turn"))
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
        // Processes are run there.
        let folder = folder.canonicalize()?;
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

    /// Builds the peer's command line; its path.
    fn build(&mut self) -> Result<String, Box<dyn std::error::Error>> {
        writeln!(self.commands, "build")?;
        Ok(self.line()?.trim().to_owned())
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
    let mut next_of = vec![-1i64; trace.object_count() as usize];
    let mut next = vec![-1i64; trace.len()];
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
