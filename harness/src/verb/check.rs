//! `seawall check`: whether a data folder is whole, what would be lost of it, and where.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use clap::Args;
use seawall_store::disk::RealDisk;
use seawall_store::log::LogError;
use seawall_store::log::inspect::{Cut, Finding, Logs, Mended, ShardSurvey, Survey};
use seawall_store::store::SaveFile;
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
the folder. --truncate cuts a log at either, and keeps what it cuts in files beside it (….cut); what is
said of the folder then is how it is after that. Where the last whole segments of a shard's log were
removed, nothing that is left can tell.
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

/// A shard's file of a snapshot, read to its end.
struct Snapshot {
    file: SaveFile,
    /// Whether logs go on from it.
    is_base: bool,
    wrong: Option<String>,
}

/// What was found.
struct Checked {
    in_use: bool,
    logs: Option<Survey>,
    snapshots: Vec<Snapshot>,
    /// What is wrong with what says which snapshots count.
    manifest: Option<String>,
    /// Files of snapshots that were never finished, and of logs.
    leftovers: Vec<String>,
    resharding: Option<Resharding>,
}

/// What a folder has that was made one of another number of shards, and was not opened to the end since.
struct Resharding {
    /// How many shards it has.
    shards: u32,
    /// Logs that have no names yet.
    laid: Vec<String>,
    /// Logs of the number that it had.
    strays: Vec<String>,
}

impl Resharding {
    fn find(logs: &Logs<RealDisk>) -> Option<Resharding> {
        let laid: Vec<String> = logs.laid().map(str::to_owned).collect();
        let strays = logs.strays().to_vec();
        let goes_on = !laid.is_empty() || !strays.is_empty();
        goes_on.then(|| Resharding {
            shards: logs.shards(),
            laid,
            strays,
        })
    }
}

/// What was cut, and what the folder is like after that.
struct Truncated {
    logs: Vec<Mended>,
    left: Checked,
}

/// How often a folder that a store has open is looked at, at most, until what is wrong with it is so twice.
const LOOKS: usize = 8;

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
    let checked = if in_use {
        check_in_use(&arguments.folder)?
    } else {
        check(&folder, false)?
    };
    let truncated = if arguments.truncate {
        Some(truncate(&folder, &checked)?)
    } else {
        None
    };
    if arguments.json {
        let told = as_json(&folder, &checked, truncated.as_ref());
        output::line(&told.to_string())?;
    } else {
        show(&folder, &checked, truncated.as_ref())?;
    }
    drop(holding);
    let path = folder.path.display();
    let left = truncated.as_ref().map_or(&checked, |it| &it.left);
    if !left.is_damaged() {
        return Ok(());
    }
    let logs = left.logs.as_ref().is_some_and(Survey::is_damaged);
    Err(Failure::work(match (&truncated, logs) {
        (Some(_), _) => format!(
            "{path} is still damaged; a store may refuse it, and no cut mends what is wrong: {}",
            left.damage().join("; ")
        ),
        (None, true) => format!(
            "{path} is damaged; a store refuses it. A copy of it, or a snapshot of before, is the way to lose \
             nothing; `seawall check {path} --truncate` cuts the logs where they are damaged"
        ),
        (None, false) => format!("{path} is damaged"),
    }))
}

impl Checked {
    fn has_damaged_snapshot(&self) -> bool {
        self.manifest.is_some() || self.snapshots.iter().any(|it| it.wrong.is_some())
    }

    fn is_damaged(&self) -> bool {
        self.logs.as_ref().is_some_and(Survey::is_damaged) || self.has_damaged_snapshot()
    }

    /// What is damaged, in words.
    fn damage(&self) -> Vec<String> {
        let logs = self.logs.iter().flat_map(|survey| &survey.shards);
        let findings = logs.flat_map(|log| &log.findings);
        let logs = findings.filter(|it| it.cause.is_damage()).map(words);
        let wrong = |it: &Snapshot| Some(format!("{}: {}", it.file.name, it.wrong.as_ref()?));
        let snapshots = self.snapshots.iter().filter_map(wrong);
        logs.chain(snapshots).chain(self.manifest.clone()).collect()
    }
}

/// Checks a folder that a store has open. What is read may be written or removed at the same time, so damage counts
/// where the same is found twice, one time after the other.
fn check_in_use(path: &Path) -> Outcome<Checked> {
    let mut before = None;
    for _ in 1..LOOKS {
        // Anew: segments and snapshots go while a store runs.
        let folder = DataFolder::find(path)?;
        before = match check(&folder, true) {
            Ok(checked) => {
                let damage = checked.damage();
                if damage.is_empty() || before.as_ref() == Some(&damage) {
                    return Ok(checked);
                }
                Some(damage)
            }
            Err(_) => None,
        };
    }
    check(&DataFolder::find(path)?, true)
}

fn check(folder: &DataFolder, in_use: bool) -> Outcome<Checked> {
    let saves = folder.saves.as_ref().ok();
    let files = || saves.iter().flat_map(|found| &found.saves);
    let steps = folder.logs.as_ref().map_or(0, Logs::segments)
        + files().map(|save| save.files.len()).sum::<usize>();
    let mut progress = Progress::new(steps, megabytes(folder.bytes));
    let mut snapshots = Vec::new();
    for save in files() {
        for file in &save.files {
            progress.begin(&file.name);
            let verified = file.verify(&folder.path);
            progress.end(megabytes(file.bytes));
            snapshots.push(Snapshot {
                file: file.clone(),
                is_base: save.is_base,
                wrong: verified.err().map(|error| error.to_string()),
            });
        }
    }
    let mut logs = None;
    if let Some(found) = &folder.logs {
        let mut watch = |name: &str, bytes| {
            progress.begin(name);
            progress.end(megabytes(bytes));
        };
        logs = Some(found.survey(in_use, &mut watch).map_err(unreadable)?);
    }
    let unfinished = folder.logs.iter().flat_map(Logs::unfinished);
    let others = saves.iter().flat_map(|found| &found.others);
    Ok(Checked {
        in_use,
        logs,
        snapshots,
        manifest: folder.saves.as_ref().err().map(ToString::to_string),
        leftovers: unfinished.chain(others).cloned().collect(),
        resharding: folder.logs.as_ref().and_then(Resharding::find),
    })
}

fn unreadable(error: LogError) -> Failure {
    Failure::work(error)
}

/// A megabyte counts as a second: the bar's own clock says how long one takes.
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Cuts the logs where they end, and looks at the folder again: that decides.
fn truncate(folder: &DataFolder, checked: &Checked) -> Outcome<Truncated> {
    let logs = match (&folder.logs, &checked.logs) {
        (Some(logs), Some(survey)) => logs
            .mend(survey, RandomState::new().hash_one(0))
            .map_err(unreadable)?,
        _ => Vec::new(),
    };
    let left = check(&DataFolder::find(&folder.path)?, false)?;
    Ok(Truncated { logs, left })
}

fn show(folder: &DataFolder, checked: &Checked, truncated: Option<&Truncated>) -> Outcome {
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
    for Snapshot {
        file,
        is_base,
        wrong,
    } in &checked.snapshots
    {
        let base = if *is_base {
            format!(", and its log goes on behind record {}", file.sequence)
        } else {
            String::new()
        };
        let state = wrong.as_ref();
        let state = state.map_or("whole".to_owned(), |why| format!("DAMAGED: {why}"));
        let SaveFile {
            name,
            shard,
            shards,
            keys,
            ..
        } = file;
        output::line(&format!(
            "{name}: {keys} keys of shard {shard} of {shards}{base}; {state}"
        ))?;
    }
    if let Some(why) = &checked.manifest {
        output::line(&format!("DAMAGED: {why}"))?;
    }
    for name in &checked.leftovers {
        output::line(&format!(
            "{name}: was never finished, or is of before; it counts for nothing, and goes when the store is opened"
        ))?;
    }
    if let Some(resharding) = &checked.resharding {
        show_resharding(resharding)?;
    }
    for log in checked.logs.iter().flat_map(|survey| &survey.shards) {
        for finding in &log.findings {
            output::line(&words(finding))?;
        }
        if let Some(cut) = &log.cut {
            output::line(&lost(log, cut, truncated.is_some()))?;
        }
    }
    for mended in truncated.iter().flat_map(|it| &it.logs) {
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
    if !truncated.map_or(checked, |it| &it.left).is_damaged() {
        output::line(&format!("{}: whole", folder.path.display()))?;
    }
    Ok(())
}

fn show_resharding(resharding: &Resharding) -> Outcome {
    let shards = resharding.shards;
    output::line(&format!(
        "the folder was re-sharded to {shards} shards: all that it had is in the snapshot, and what is left to be done is \
         done when the store is opened"
    ))?;
    for name in &resharding.laid {
        output::line(&format!("{name}: a log, which gets its name then"))?;
    }
    for name in &resharding.strays {
        output::line(&format!(
            "{name}: of another number of shards, counts for nothing, and goes then"
        ))?;
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

fn as_json(folder: &DataFolder, checked: &Checked, truncated: Option<&Truncated>) -> Value {
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
            "file": it.file.name,
            "shard": it.file.shard,
            "shards": it.file.shards,
            "keys": it.file.keys,
            "bytes": it.file.bytes,
            "base": it.is_base,
            "covers": it.file.sequence,
            "wrong": it.wrong,
        })
    };
    let mended = |it: &Mended| json!({"shard": it.shard, "bytes": it.bytes, "kept": it.kept});
    let logs = checked.logs.iter().flat_map(|survey| &survey.shards);
    let is_damaged = truncated.map_or(checked, |it| &it.left).is_damaged();
    let cut = truncated.iter().flat_map(|it| &it.logs);
    json!({
        "folder": folder.path.display().to_string(),
        "damaged": is_damaged,
        "in_use": checked.in_use,
        "logs": logs.map(shard).collect::<Vec<_>>(),
        "snapshots": checked.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
        "manifest": checked.manifest,
        "leftovers": checked.leftovers,
        "resharding": checked.resharding.as_ref().map(|it| {
            json!({"shards": it.shards, "laid": it.laid, "strays": it.strays})
        }),
        "truncated": cut.map(mended).collect::<Vec<_>>(),
    })
}
