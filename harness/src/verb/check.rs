//! `seawall check`: whether a data folder is whole, what would be lost of it, and where.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use clap::Args;
use seawall_store::log::LogError;
use seawall_store::log::inspect::{Cut, Finding, Logs, Mended, ShardSurvey, Survey};
use serde_json::{Value, json};

use crate::data_folder::{DataFolder, Holding};
use crate::output;
use crate::progress::Progress;
use crate::status::{Failure, Outcome};
use crate::table;

/// Verify the logs and snapshots of a data folder, without changing it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  seawall check data
  seawall check data --json
  seawall check data --truncate

A torn end is what a crash leaves of a write that nobody was promised: the store drops it when it is
opened, and the folder counts as whole. Damage is where something had been durable: the store refuses
the folder. --truncate cuts a log at either, and keeps what it cuts in files beside it (….cut).
Holds the folder while it reads, so that no store is opened meanwhile. Where a store has it open, it is
read all the same, and its end is taken to be on its way; --truncate is refused.

Exit status: 0 whole, 1 damaged, 2 not a data folder.")]
pub(crate) struct Arguments {
    /// The folder of logs and snapshots
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Cut logs where they are torn or damaged: what is behind that is not served any more
    #[arg(long)]
    truncate: bool,
    /// One JSON object on standard output, and nothing else
    #[arg(long)]
    json: bool,
}

/// A snapshot that was read to its end.
struct Snapshot {
    name: String,
    of: Option<Of>,
    keys: u64,
    wrong: Option<String>,
}

/// Whose snapshot it is.
#[derive(Clone, Copy)]
struct Of {
    shard: u32,
    shards: u32,
    /// The last record of the shard's log that it holds.
    sequence: u64,
}

/// What was found.
struct Checked {
    in_use: bool,
    logs: Option<Survey>,
    snapshots: Vec<Snapshot>,
    unfinished: Vec<String>,
    mended: Vec<Mended>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let folder = DataFolder::find(&arguments.folder)?;
    let holding = folder.hold(arguments.truncate)?;
    let in_use = matches!(holding, Holding::InUse);
    if in_use && arguments.truncate {
        return Err(Failure::usage(format!(
            "{} is in use by another process: end it first; nothing was changed",
            folder.path.display()
        )));
    }
    let mut checked = check(&folder, in_use)?;
    if arguments.truncate {
        mend(&folder, &mut checked)?;
    }
    if arguments.json {
        output::line(&as_json(&folder, &checked).to_string())?;
    } else {
        show(&folder, &checked, arguments.truncate)?;
    }
    drop(holding);
    let cut = arguments.truncate && checked.logs.as_ref().is_some_and(is_cut_everywhere);
    let logs = checked.logs.as_ref().is_some_and(Survey::is_damaged) && !cut;
    let snapshots = checked.snapshots.iter().any(|it| it.wrong.is_some());
    match (logs, snapshots) {
        (false, false) => Ok(()),
        (true, _) if !arguments.truncate => Err(Failure::work(format!(
            "{} is damaged; a store refuses it. A copy of it, or a snapshot of before, is the way to lose nothing; \
             `seawall check {0} --truncate` cuts the logs where they are damaged",
            folder.path.display()
        ))),
        _ => Err(Failure::work(format!(
            "{} is damaged",
            folder.path.display()
        ))),
    }
}

/// Whether every damage lies behind where a log was cut.
fn is_cut_everywhere(survey: &Survey) -> bool {
    let is_cut = |shard: &ShardSurvey| {
        let mut findings = shard.findings.iter();
        shard.cut.is_some() || !findings.any(|finding| finding.cause.is_damage())
    };
    survey.shards.iter().all(is_cut)
}

fn check(folder: &DataFolder, in_use: bool) -> Outcome<Checked> {
    let steps = folder.logs.as_ref().map_or(0, Logs::segments) + folder.snapshots.len();
    let mut progress = Progress::new(steps, megabytes(folder.bytes));
    let mut snapshots = Vec::new();
    for name in &folder.snapshots {
        progress.begin(name);
        let (snapshot, bytes) = read_snapshot(folder, name);
        progress.end(megabytes(bytes));
        snapshots.push(snapshot);
    }
    let mut logs = None;
    if let Some(found) = &folder.logs {
        let covered = covered(&snapshots, found.shards());
        let mut watch = |name: &str, bytes| {
            progress.begin(name);
            progress.end(megabytes(bytes));
        };
        logs = Some(found.survey(&covered, &mut watch).map_err(unreadable)?);
    }
    Ok(Checked {
        in_use,
        logs,
        snapshots,
        unfinished: folder
            .logs
            .as_ref()
            .map_or(Vec::new(), |logs| logs.unfinished().to_vec()),
        mended: Vec::new(),
    })
}

fn unreadable(error: LogError) -> Failure {
    Failure::work(error)
}

/// A megabyte counts as a second: the bar's own clock says how long one takes.
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Reads a snapshot to its end; its length, too.
fn read_snapshot(folder: &DataFolder, name: &str) -> (Snapshot, u64) {
    let bytes = std::fs::metadata(folder.path.join(name)).map_or(0, |file| file.len());
    let mut snapshot = Snapshot {
        name: name.to_owned(),
        of: None,
        keys: 0,
        wrong: None,
    };
    let read = folder.snapshot(name).and_then(|reader| {
        let meta = reader.meta();
        snapshot.of = Some(Of {
            shard: meta.shard,
            shards: meta.shards,
            sequence: meta.sequence,
        });
        reader.for_each(|_| {})?;
        snapshot.keys = reader.len();
        Ok(())
    });
    snapshot.wrong = read.err().map(|error| error.to_string());
    (snapshot, bytes)
}

/// For each shard the last record of its log that a whole snapshot holds.
fn covered(snapshots: &[Snapshot], shards: u32) -> Vec<u64> {
    let of_shard = |shard: u32| {
        let whole = snapshots.iter().filter(|it| it.wrong.is_none());
        let of = whole.filter_map(|it| it.of);
        let its = of.filter(|of| (of.shard, of.shards) == (shard, shards));
        its.map(|of| of.sequence).max().unwrap_or(0)
    };
    (0..shards).map(of_shard).collect()
}

fn mend(folder: &DataFolder, checked: &mut Checked) -> Outcome {
    if let (Some(logs), Some(survey)) = (&folder.logs, &checked.logs) {
        checked.mended = logs
            .mend(survey, RandomState::new().hash_one(0))
            .map_err(unreadable)?;
    }
    Ok(())
}

fn show(folder: &DataFolder, checked: &Checked, truncate: bool) -> Outcome {
    if let Some(survey) = &checked.logs {
        let mut table = table::plain(&[
            "shard", "segments", "records", "first", "last", "durable", "bytes",
        ]);
        for log in &survey.shards {
            table.add_row([
                log.shard.to_string(),
                log.segments.len().to_string(),
                (log.last + 1 - log.first).to_string(),
                log.first.to_string(),
                log.last.to_string(),
                log.marked.to_string(),
                log.bytes.to_string(),
            ]);
        }
        output::line(&table.to_string())?;
    }
    for snapshot in &checked.snapshots {
        let of = snapshot.of.map_or(String::new(), |of| {
            format!(
                " of shard {} of {}, up to record {}",
                of.shard, of.shards, of.sequence
            )
        });
        let wrong = snapshot.wrong.as_ref();
        let state = wrong.map_or("whole".to_owned(), |why| format!("DAMAGED: {why}"));
        output::line(&format!(
            "{}{of}: {} keys, {state}",
            snapshot.name, snapshot.keys
        ))?;
    }
    for name in &checked.unfinished {
        output::line(&format!(
            "{name}: was never finished, holds nothing, and goes when the store is opened"
        ))?;
    }
    for log in checked.logs.iter().flat_map(|survey| &survey.shards) {
        for finding in &log.findings {
            output::line(&words(finding))?;
        }
        if let Some(cut) = &log.cut {
            output::line(&lost(log, cut, truncate))?;
        }
    }
    for mended in &checked.mended {
        output::line(&format!(
            "shard {}: {} bytes are kept in {}",
            mended.shard,
            mended.bytes,
            mended.kept.join(", ")
        ))?;
    }
    if checked.in_use {
        output::line("a store has the folder open: what is at the ends of its logs is on its way")?;
    }
    let is_whole = checked.logs.as_ref().is_none_or(|it| !it.is_damaged());
    if is_whole && checked.snapshots.iter().all(|it| it.wrong.is_none()) {
        output::line(&format!("{}: whole", folder.path.display()))?;
    }
    Ok(())
}

fn words(finding: &Finding) -> String {
    let damaged = if finding.cause.is_damage() {
        "DAMAGED: "
    } else {
        ""
    };
    format!(
        "shard {}: {damaged}{} at byte {}: {}",
        finding.shard, finding.file, finding.offset, finding.cause
    )
}

/// What a cut takes.
fn lost(log: &ShardSurvey, cut: &Cut, truncate: bool) -> String {
    let loud = if cut.is_damage { "LOST: " } else { "" };
    let what = match (truncate, cut.is_damage) {
        (true, _) => "were cut off",
        (false, true) => "are behind it, which --truncate cuts off",
        (false, false) => "are behind it, which go when the store is opened",
    };
    format!(
        "shard {}: {loud}{} bytes with at least {} whole records, from record {} on, {what}",
        log.shard, cut.bytes, cut.records, cut.next
    )
}

fn as_json(folder: &DataFolder, checked: &Checked) -> Value {
    let finding = |it: &Finding| {
        json!({
            "file": it.file,
            "offset": it.offset,
            "damage": it.cause.is_damage(),
            "what": it.cause.to_string(),
        })
    };
    let shard = |log: &ShardSurvey| {
        let segments = log.segments.iter();
        let segments: Vec<Value> = segments
            .map(|it| json!({"name": it.name, "bytes": it.bytes}))
            .collect();
        let cut = log.cut.as_ref().map(|cut| {
            json!({
                "file": log.segments.get(cut.segment).map(|it| &it.name),
                "offset": cut.offset,
                "record": cut.next,
                "bytes": cut.bytes,
                "records_at_least": cut.records,
                "damage": cut.is_damage,
            })
        });
        json!({
            "shard": log.shard,
            "segments": segments,
            "bytes": log.bytes,
            "records": log.last + 1 - log.first,
            "first": log.first,
            "last": log.last,
            "durable": log.marked,
            "parts": log.parts,
            "findings": log.findings.iter().map(finding).collect::<Vec<_>>(),
            "cut": cut,
        })
    };
    let snapshot = |it: &Snapshot| {
        json!({
            "file": it.name,
            "shard": it.of.map(|of| of.shard),
            "shards": it.of.map(|of| of.shards),
            "covers": it.of.map(|of| of.sequence),
            "keys": it.keys,
            "wrong": it.wrong,
        })
    };
    let mended = |it: &Mended| json!({"shard": it.shard, "bytes": it.bytes, "kept": it.kept});
    let logs = checked.logs.iter().flat_map(|survey| &survey.shards);
    let is_damaged = checked.logs.as_ref().is_some_and(Survey::is_damaged)
        || checked.snapshots.iter().any(|it| it.wrong.is_some());
    json!({
        "folder": folder.path.display().to_string(),
        "damaged": is_damaged,
        "in_use": checked.in_use,
        "logs": logs.map(shard).collect::<Vec<_>>(),
        "snapshots": checked.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
        "unfinished": checked.unfinished,
        "truncated": checked.mended.iter().map(mended).collect::<Vec<_>>(),
    })
}
