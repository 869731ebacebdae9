//! `seawall log`: what stands in the logs of a data folder.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use seawall_store::log::frame::Kind;
use seawall_store::log::inspect::Entry;
use serde_json::json;

use crate::data_folder::DataFolder;
use crate::output;
use crate::status::{Failure, Outcome};

/// Look at logs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Dump(DumpArguments),
}

/// Every record of a data folder's logs, with its commands as redis-cli reads them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  seawall log dump data
  seawall log dump data --shard 0 --from 100000 | less
  seawall log dump data --json | jq -r '.commands[]'

A record holds what one turn changed; a part is what its shard did in something that several shards did
together (a joint); a mark says that all up to a record was durable when it was written.
Reads without a lock and changes nothing, also while a store writes: what is then at the end of a log may
not be whole yet.

Exit status: 0 done, 1 a log is damaged (what is before the damage was printed), 2 not a data folder.")]
struct DumpArguments {
    /// The folder of logs and snapshots
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only the log of this shard
    #[arg(long, value_name = "N")]
    shard: Option<u32>,
    /// Only from the record of this sequence on
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// A JSON object a record, one a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let What::Dump(arguments) = &arguments.what;
    let folder = DataFolder::find(&arguments.folder)?;
    let path = folder.path.display();
    let Some(logs) = &folder.logs else {
        return Err(Failure::usage(format!("{path} has no log")));
    };
    let shards = match arguments.shard {
        Some(shard) if shard >= logs.shards() => {
            return Err(Failure::usage(format!(
                "--shard {shard}: {path} has the shards 0 to {}",
                logs.shards() - 1
            )));
        }
        Some(shard) => shard..shard + 1,
        None => 0..logs.shards(),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    for shard in shards {
        let dumped = logs.dump(shard, arguments.from, |entry| {
            let printed = if arguments.json {
                print_json(&mut out, &entry)
            } else {
                print(&mut out, &entry)
            };
            printed.map_or_else(ControlFlow::Break, ControlFlow::Continue)
        });
        out.flush().map_err(|error| Failure::output(&error))?;
        match dumped.map_err(Failure::work)? {
            ControlFlow::Break(error) => return Err(Failure::output(&error)),
            ControlFlow::Continue(Some(torn)) => output::complain(&format!(
                "note: {} at byte {}: {}",
                torn.file, torn.offset, torn.cause
            )),
            ControlFlow::Continue(None) => {}
        }
    }
    Ok(())
}

fn print(out: &mut impl Write, entry: &Entry<'_>) -> io::Result<()> {
    let (shard, sequence) = (entry.shard, entry.sequence);
    let place = format!("{}:{}", entry.file, entry.offset);
    if entry.kind == Kind::Mark {
        return writeln!(out, "shard {shard} durable up to {sequence} at {place}");
    }
    write!(out, "shard {shard} record {sequence} at {place}")?;
    if let Some((joint, shards)) = &entry.joint {
        let shards: Vec<String> = shards.iter().map(u32::to_string).collect();
        write!(
            out,
            " part of joint {joint} of shards {}",
            shards.join(", ")
        )?;
    }
    writeln!(out)?;
    for command in entry.commands() {
        writeln!(out, "    {command}")?;
    }
    Ok(())
}

fn print_json(out: &mut impl Write, entry: &Entry<'_>) -> io::Result<()> {
    let kind = match entry.kind {
        Kind::Effects => "effects",
        Kind::Part => "part",
        Kind::Mark => "mark",
    };
    let object = json!({
        "shard": entry.shard,
        "sequence": entry.sequence,
        "file": entry.file,
        "offset": entry.offset,
        "kind": kind,
        "joint": entry.joint.as_ref().map(|(joint, _)| joint),
        "shards": entry.joint.as_ref().map(|(_, shards)| shards),
        "commands": entry.commands().collect::<Vec<_>>(),
    });
    writeln!(out, "{object}")
}
