//! `seawall replay`: traces through eviction policies, at several sizes.

mod asked;
mod overhead;
mod warmup;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use seawall_lab::admission::AdmissionSpec;
use seawall_lab::{Grid, Parts, Size, Source, Subject, Unit};
use seawall_report::row::Row;
use seawall_store::keyspace::BULK_BYTES_MAX;
use seawall_sys::usage::thread_cpu;
use seawall_workloads::trace::{FormatSpec, Trace};
use serde_json::{Map, Value};

use self::asked::{Asked, left_out};
use self::overhead::Overhead;
use self::warmup::Warmup;
use crate::family;
use crate::folder::Folder;
use crate::input::{self, CARRIED_NAME, Input};
use crate::interrupt;
use crate::output;
use crate::progress::Tally;
use crate::setup;
use crate::status::{Failure, Outcome};
use crate::step::Key;
use crate::{table, timing};

/// Replay traces through eviction policies: the store's own code, beside bounds.
#[derive(Debug, Args)]
#[command(after_help = help())]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct Arguments {
    /// Traces: files (gz, xz and zst are read in place), or the carried one by its name
    #[arg(value_name = "TRACE", required = true)]
    traces: Vec<String>,
    /// Their format, as in csv:object=2:time=1:size=3 [default: by the file's name]
    #[arg(long, value_name = "F", value_parser = super::format)]
    format: Option<FormatSpec>,
    /// Policies and bounds in a comma list, as in clock:bits=2,lru,belady
    #[arg(long, value_name = "P,..", default_value = "all", value_parser = policies)]
    policy: Listed<Subject>,
    /// Admissions in a comma list, each before each policy of the store, as in always,bloom
    #[arg(long, value_name = "A,..", default_value = "always", value_parser = admissions)]
    admission: Listed<AdmissionSpec>,
    /// Sizes in a comma list: 4096, 64mib, 1% of what the trace asks for [default: 0.1%,1%,10%; with --mrc
    /// sixteen from 0.1% to 100%]
    #[arg(long, value_name = "S,..", value_parser = sizes)]
    size: Option<Listed<Size>>,
    /// Miss-ratio curves: many sizes; lru in one pass where that is exact (with --ignore-size, of gets alone)
    #[arg(long)]
    mrc: bool,
    /// Estimate from samples of this share of the objects, as in 0.01; rows have intervals
    #[arg(long, value_name = "RATE", value_parser = rate)]
    sample: Option<f64>,
    /// Every object has size 1, and sizes count objects
    #[arg(long)]
    ignore_size: bool,
    /// Drive the running store, too, with maxmemory at each size: its hits beside those that the lab foretells
    #[arg(long, conflicts_with_all = ["ignore_size", "mrc", "sample"])]
    live: bool,
    /// What a store keeps beside each object: so many bytes, or store, which is what Seawall's takes for it
    /// [default: 0; with --live store]
    #[arg(long, value_name = "BYTES|store", conflicts_with = "ignore_size")]
    item_overhead: Option<Overhead>,
    /// Every request is a get and no object expires, whatever the trace tells
    #[arg(long)]
    ignore_ops: bool,
    /// Leave out the first requests, while the cache is cold: a count, or a share of the trace
    #[arg(
        long,
        value_name = "N|SHARE%",
        default_value = "0",
        conflicts_with = "sample"
    )]
    warmup: Warmup,
    /// Tell hit ratios over time, too: of so many parts of the trace
    #[arg(long, value_name = "N", conflicts_with = "sample", value_parser = clap::value_parser!(u16).range(2..=1000))]
    over_time: Option<u16>,
    /// Read the trace anew for each cell, block by block, instead of keeping it in memory: for policies of the store
    #[arg(long, conflicts_with_all = ["live", "sample"])]
    stream: bool,
    /// Tell what each replay took, too: rows of their own (target replay), and a column
    #[arg(long, conflicts_with = "sample")]
    timed: bool,
    /// Seeds the policies that choose at random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Keep setup, rows and report in this folder: DIR/setup.json, rows.jsonl, report.html, report.md, rows.csv
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the replay in the folder: cells whose rows are there are skipped
    #[arg(long, requires = "out")]
    resume: bool,
    /// Print rows on standard output, one object a line, and nothing else
    #[arg(long)]
    json: bool,
}

/// A comma list as one value: clap would take a `Vec` for several.
type Listed<T> = std::sync::Arc<Vec<T>>;

fn policies(text: &str) -> Result<Listed<Subject>, String> {
    listed(Subject::parse_list(text))
}

fn admissions(text: &str) -> Result<Listed<AdmissionSpec>, String> {
    listed(AdmissionSpec::parse_list(text))
}

fn sizes(text: &str) -> Result<Listed<Size>, String> {
    listed(Size::parse_list(text))
}

/// A list that has nothing twice: a cell has one row.
fn listed<T: ToString, E: ToString>(list: Result<Vec<T>, E>) -> Result<Listed<T>, String> {
    let list = list.map_err(|error| error.to_string())?;
    let mut seen = HashSet::new();
    let twice = list.iter().find(|item| !seen.insert(item.to_string()));
    match twice {
        Some(twice) => Err(format!(
            "{} is given twice; accepted: once",
            twice.to_string()
        )),
        None => Ok(Listed::new(list)),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| *rate > 0.0 && *rate <= 1.0);
    rate.ok_or_else(|| format!("'{text}' is not a share; accepted: above 0, at most 1 (0.01)"))
}

const SIZES: &str = "0.1%,1%,10%";
const SIZES_OF_CURVE: &str = "0.1%,0.2%,0.3%,0.5%,0.7%,1%,2%,3%,5%,7%,10%,20%,30%,50%,70%,100%";

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let plan = Plan::of(arguments)?;
    let rows = match &arguments.out {
        None => plan.work(&HashSet::new(), &mut |_| Ok(()), &mut Vec::new())?,
        Some(path) => plan.in_folder(path)?,
    };
    if arguments.json {
        return Ok(());
    }
    output::line(&if arguments.live {
        table::live(&rows)
    } else if arguments.mrc {
        table::curves(&rows)
    } else {
        table::misses(&rows)
    })
}

/// What is to be replayed.
struct Plan<'a> {
    arguments: &'a Arguments,
    inputs: Vec<Input>,
    subjects: Vec<Subject>,
    sizes: Listed<Size>,
    overhead: Overhead,
}

impl Plan<'_> {
    fn of(arguments: &Arguments) -> Outcome<Plan<'_>> {
        let sizes = match &arguments.size {
            Some(sizes) => sizes.clone(),
            None if arguments.mrc => sizes(SIZES_OF_CURVE).map_err(Failure::Usage)?,
            None => sizes(SIZES).map_err(Failure::Usage)?,
        };
        let traces = arguments.traces.iter();
        let inputs: Vec<Input> = traces.map(|text| Input::new(text, Path::new(""))).collect();
        for input in &inputs {
            input
                .check(arguments.format.as_ref())
                .map_err(Failure::Usage)?;
        }
        input::told_apart(&inputs)
            .map_err(|(at, why)| Failure::Usage(format!("{}: {why}", arguments.traces[at])))?;
        let subjects = Subject::behind(&arguments.policy, &arguments.admission);
        if subjects.is_empty() {
            return Err(Failure::usage(
                "only policies of the store take an admission; accepted: one of them, or --admission always",
            ));
        }
        let has = |subject: &Subject| matches!(subject, Subject::Policy(_));
        if arguments.live && !subjects.iter().any(has) {
            return Err(Failure::Usage(format!(
                "--live: the store has none of these policies by itself; accepted: {}",
                family::names("policies")
            )));
        }
        let overhead = if arguments.live {
            Overhead::Store
        } else {
            Overhead::Bytes(0)
        };
        Ok(Plan {
            arguments,
            inputs,
            subjects,
            sizes,
            overhead: arguments.item_overhead.unwrap_or(overhead),
        })
    }

    /// Replays into a folder, and writes the report of all that is in it.
    fn in_folder(&self, path: &Path) -> Outcome<Vec<Row>> {
        let setup = setup::of_replay(&self.settings()?, self.arguments.seed);
        let mut folder = Folder::open(path, &setup, self.arguments.resume)?;
        interrupt::on_interrupt(Some(format!(
            "interrupted; what was finished is in {}, and the same command with --resume goes on",
            path.display()
        )))?;
        let done = folder.done.clone();
        let mut order = Vec::new();
        self.work(&done, &mut |row| folder.keep(row), &mut order)?;
        folder.arrange(&order)?;
        let run = seawall_report::Run::read(path).map_err(Failure::work)?;
        let page = seawall_report::write(path).map_err(Failure::work)?;
        output::complain(&format!("report: {}", page.display()));
        Ok(run.rows)
    }

    /// Replays the cells whose rows are not `done`; each row goes to `keep` as soon as it is there, and the field `run` of
    /// all, done or not, to `order`.
    fn work(
        &self,
        done: &HashSet<Key>,
        keep: &mut dyn FnMut(&Row) -> Outcome,
        order: &mut Vec<String>,
    ) -> Outcome<Vec<Row>> {
        let mut rows = Vec::new();
        for input in &self.inputs {
            let asked = Asked::read(input, self.arguments, self.overhead)?;
            let source = asked.source();
            left_out(source, &self.subjects)?;
            let grid = self.grid(&asked)?;
            few_sampled(&grid, source)?;
            if let Asked::Held(held) = &asked
                && self.arguments.live
            {
                fits_store(&held.plain)?;
            }
            order.extend(grid.runs());
            let grid = grid.besides(|run| done.contains(&Key::lab(run)));
            self.too_large(source)?;
            let requests = source.outline().requests();
            let mut tally = Tally::until((requests * grid.len()) as u64, source.outline().name());
            let mut replayed = BTreeMap::new();
            let mut printed = 0;
            let mut outcome = Ok(());
            grid.run_as_done(crate::step::threads(), &mut |number, cell| {
                tally.add(requests as u64);
                let cell = timing::rows(cell, requests);
                outcome = cell.iter().try_for_each(&mut *keep);
                replayed.insert(number, cell);
                // People and programs read them in the order in which they were asked for.
                while let Some(cell) = replayed.get(&printed)
                    && self.arguments.json
                    && outcome.is_ok()
                {
                    outcome = cell.iter().try_for_each(output::row);
                    printed += 1;
                }
                if outcome.is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })
            .map_err(Failure::work)?;
            outcome?;
            rows.extend(replayed.into_values().flatten());
        }
        Ok(rows)
    }

    /// Says at which sizes some objects are larger than the cache.
    fn too_large(&self, source: Source<'_>) -> Outcome {
        if self.arguments.ignore_size {
            return Ok(());
        }
        let bytes = |size: &Size| size.resolve(source.outline(), Unit::Bytes);
        let sizes: Result<Vec<u64>, _> = self.sizes.iter().map(bytes).collect();
        let sizes = sizes.map_err(Failure::usage)?;
        let mut larger = vec![0; sizes.len()];
        let whole = Parts::whole(source);
        source
            .play(&whole, &mut |stretch| {
                for (larger, &bytes) in larger.iter_mut().zip(&sizes) {
                    let objects = stretch.columns.sizes().iter();
                    *larger += objects.filter(|&&object| u64::from(object) > bytes).count();
                }
            })
            .map_err(Failure::work)?;
        let name = source.outline().name();
        for ((size, bytes), larger) in self.sizes.iter().zip(sizes).zip(larger) {
            if larger > 0 {
                output::complain(&format!(
                    "note: at size {size} ({bytes} bytes) {larger} requests of trace '{name}' are for objects larger \
                     than the cache, which miss and are not kept"
                ));
            }
        }
        Ok(())
    }

    fn grid<'t>(&self, asked: &'t Asked) -> Outcome<Grid<'t>> {
        let arguments = self.arguments;
        let (source, trace) = (asked.source(), asked.source().outline());
        let unit = if arguments.ignore_size {
            Unit::Objects
        } else {
            Unit::Bytes
        };
        let mut grid = Grid::new(source, &self.subjects, &self.sizes, unit, arguments.seed)
            .map_err(Failure::usage)?;
        for (name, value) in self.also() {
            grid = grid.with(&name, value);
        }
        let (warmup, parts) = (arguments.warmup.of(trace), arguments.over_time.unwrap_or(1));
        if warmup >= trace.requests() {
            return Err(Failure::Usage(format!(
                "--warmup {}: leaves nothing of trace '{}' ({} requests); accepted: less than that",
                arguments.warmup,
                trace.name(),
                trace.requests()
            )));
        }
        if warmup > 0 || parts > 1 {
            grid = grid.counted(warmup, parts.into());
        }
        if arguments.timed {
            grid = grid.clocked(thread_cpu);
        }
        if let (Source::Held(trace), Asked::Held(held)) = (source, asked) {
            if arguments.mrc {
                grid = grid.in_one_pass(trace);
            }
            if let Some(rate) = arguments.sample {
                grid = grid.sampled(trace, rate);
            }
            if arguments.live {
                grid = grid.live(&held.plain);
            }
        }
        Ok(grid)
    }

    /// What was set beside trace, policy and size, for the rows.
    fn also(&self) -> Map<String, Value> {
        let mut also = Map::new();
        match self.overhead {
            Overhead::Bytes(0) => {}
            overhead => {
                also.insert("item-overhead".to_owned(), overhead.to_string().into());
            }
        }
        if self.arguments.ignore_ops {
            also.insert("ignore-ops".to_owned(), true.into());
        }
        also
    }

    /// All that is set: what tells this replay from another.
    ///
    /// # Errors
    /// A trace cannot be read.
    fn settings(&self) -> Outcome<Map<String, Value>> {
        let arguments = self.arguments;
        let texts = |of: &mut dyn Iterator<Item = String>| of.collect::<Value>();
        let mut contents = Vec::new();
        for (text, input) in arguments.traces.iter().zip(&self.inputs) {
            let content = input.fingerprint();
            contents.push(content.map_err(|error| Failure::Usage(format!("{text}: {error}")))?);
        }
        let format = arguments.format.as_ref().map(ToString::to_string);
        let mut settings = self.also();
        settings.extend([
            ("traces".to_owned(), arguments.traces.clone().into()),
            ("contents".to_owned(), contents.into()),
            ("format".to_owned(), format.into()),
            (
                "policies".to_owned(),
                texts(&mut self.subjects.iter().map(ToString::to_string)),
            ),
            (
                "sizes".to_owned(),
                texts(&mut self.sizes.iter().map(ToString::to_string)),
            ),
            ("ignore-size".to_owned(), arguments.ignore_size.into()),
            ("sample".to_owned(), arguments.sample.into()),
            ("live".to_owned(), arguments.live.into()),
            ("warmup".to_owned(), arguments.warmup.to_string().into()),
            ("over-time".to_owned(), arguments.over_time.into()),
            ("timed".to_owned(), arguments.timed.into()),
        ]);
        Ok(settings)
    }
}

/// Refuses a trace that the running store cannot be driven with.
fn fits_store(trace: &Trace) -> Outcome {
    match trace.sizes().iter().max() {
        Some(&largest) if largest as usize > BULK_BYTES_MAX => Err(Failure::Usage(format!(
            "--live: trace '{}' has an object of {largest} bytes; the store takes up to {BULK_BYTES_MAX}; accepted without \
             --live, or without such objects",
            trace.name()
        ))),
        _ => Ok(()),
    }
}

/// Fewer objects than this tell little of a trace.
const SAMPLED_FEW: u32 = 50;

/// Says where samples are too small to tell much; refuses where one has nothing.
fn few_sampled(grid: &Grid<'_>, source: Source<'_>) -> Outcome {
    let trace = source.outline();
    let (name, objects) = (trace.name(), trace.object_count());
    match grid.sampled_objects() {
        Some(0) => Err(Failure::Usage(format!(
            "--sample: a sample of trace '{name}' has none of its {objects} objects; accepted: a larger share"
        ))),
        Some(sampled @ ..SAMPLED_FEW) => {
            output::complain(&format!(
                "note: a sample of trace '{name}' has {sampled} of its {objects} objects: too few for what is estimated to be \
                 near what is so; a larger --sample tells more"
            ));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn help() -> String {
    let mut text = format!(
        "The carried trace: {CARRIED_NAME}\nPolicies: {}\nOf the lab \
         alone: {}\nBounds: {}\nAdmissions: {}\n\nFormats, and the suffixes \
         (before .gz, .xz or .zst) that settle on them:\n",
        family::names("policies"),
        family::names("lab-policies"),
        family::names("bounds"),
        family::names("admissions")
    );
    for format in seawall_workloads::trace::LIST {
        let _ = writeln!(text, "  {:<16} {}", format.name, format.suffixes.join(", "));
    }
    text + &format!(
        "
Examples:
  seawall replay {CARRIED_NAME} --ignore-size
  seawall replay {CARRIED_NAME} --policy lru,sieve,s3fifo:small=20 --size 1%,5% --json
  seawall replay {CARRIED_NAME} --policy lru,fifo --admission always,bloom,size:max=4096
  seawall replay {CARRIED_NAME} --policy lru,arc,belady --ignore-size --mrc
  seawall replay requests.swt --policy s3fifo,wtinylfu --ignore-size --mrc --sample 0.05
  seawall replay {CARRIED_NAME} --policy lru,sieve --size 5%,20% --live
  seawall replay {CARRIED_NAME} --ignore-size --warmup 20% --over-time 20 --timed --out runs/replay
  seawall replay long.swt --policy lru,s3fifo --size 1gib --stream
  seawall replay requests.csv.zst --format csv:object=2:time=1:size=3 --size 64mib,1gib
  seawall replay named.csv --format csv:object=1:size=2:header=yes --size 64mib"
    )
}
