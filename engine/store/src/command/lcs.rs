//! The longest common subsequence of two strings: `LCS`.
//!
//! The table of lengths of all prefixes (Wagner and Fischer, 1974) is walked back from its end. Where
//! several subsequences are as long, which one is found follows Redis's choice: towards the shorter
//! second string, unless the other way promises more.

use super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::keyspace::BULK_BYTES_MAX;
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::value::Value;

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]`
pub static LCS: Command = Command {
    name: "lcs",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::TWO,
    about: "the longest common subsequence of two strings",
    run: lcs,
};

#[derive(Default)]
struct Options {
    len: bool,
    places: bool,
    least: i64,
    with_len: bool,
}

impl Options {
    fn parse(op: &Op) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut i = 2;
        while let Some(word) = op.get(i) {
            match (word.to_ascii_lowercase().as_slice(), op.get(i + 1)) {
                (b"idx", _) => options.places = true,
                (b"len", _) => options.len = true,
                (b"withmatchlen", _) => options.with_len = true,
                (b"minmatchlen", Some(least)) => {
                    options.least = number::int(least)?;
                    i += 1;
                }
                _ => return Err(CommandError::SYNTAX),
            }
            i += 1;
        }
        if options.len && options.places {
            return Err(CommandError::new(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

fn lcs(call: &mut Call<'_>) -> Result<(), CommandError> {
    // Both are looked for before either is complained of.
    let (first, second) = (text(call, &call.op[0]), text(call, &call.op[1]));
    let (first, second) = (first?, second?);
    let options = Options::parse(call.op)?;
    let cells = (first.len() as u64 + 1) * (second.len() as u64 + 1);
    if cells * size_of::<u32>() as u64 >= BULK_BYTES_MAX as u64 {
        return Err(CommandError::new(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    let table = Table::of(&first, &second);
    let reply = &mut call.out.reply;
    if options.len {
        reply.int(table.whole().into());
    } else if options.places {
        let runs = table.runs(&first, &second);
        let least = usize::try_from(options.least).unwrap_or(0);
        show(reply, &runs, least, options.with_len, table.whole());
    } else {
        let runs = table.runs(&first, &second);
        let parts = runs.iter().rev().map(|run| &first[run.first..][..run.len]);
        reply.bulk(&parts.collect::<Vec<_>>().concat());
    }
    Ok(())
}

fn text(call: &mut Call<'_>, key: &[u8]) -> Result<Vec<u8>, CommandError> {
    match call.keyspace.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(bytes)) => Ok(bytes.to_vec()),
        Some(_) => Err(CommandError::new(
            "ERR The specified keys must contain string values",
        )),
    }
}

/// Bytes that both strings have in a row.
struct Run {
    first: usize,
    second: usize,
    len: usize,
}

/// The longest common subsequences' lengths of all pairs of prefixes.
struct Table {
    lengths: Vec<u32>,
    width: usize,
}

impl Table {
    fn of(first: &[u8], second: &[u8]) -> Table {
        let width = second.len() + 1;
        let mut lengths = vec![0_u32; (first.len() + 1) * width];
        for (i, a) in first.iter().enumerate() {
            let (above, row) = lengths[i * width..(i + 2) * width].split_at_mut(width);
            for (j, b) in second.iter().enumerate() {
                row[j + 1] = if a == b {
                    above[j] + 1
                } else {
                    above[j + 1].max(row[j])
                };
            }
        }
        Table { lengths, width }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.lengths[i * self.width + j]
    }

    /// The length for the strings whole.
    fn whole(&self) -> u32 {
        self.lengths.last().copied().unwrap_or(0)
    }

    /// The subsequence, from its end on.
    fn runs(&self, first: &[u8], second: &[u8]) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let (mut i, mut j) = (first.len(), second.len());
        while i > 0 && j > 0 {
            if first[i - 1] != second[j - 1] {
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
                continue;
            }
            match runs
                .last_mut()
                .filter(|run| (run.first, run.second) == (i, j))
            {
                Some(run) => {
                    run.first -= 1;
                    run.second -= 1;
                    run.len += 1;
                }
                None => runs.push(Run {
                    first: i - 1,
                    second: j - 1,
                    len: 1,
                }),
            }
            i -= 1;
            j -= 1;
        }
        runs
    }
}

fn show(reply: &mut ReplyBuf, runs: &[Run], least: usize, with_len: bool, whole: u32) {
    let shown = || runs.iter().filter(|run| run.len >= least);
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(shown().count());
    for run in shown() {
        reply.array(2 + usize::from(with_len));
        for start in [run.first, run.second] {
            reply.array(2);
            reply.int(start as i64);
            reply.int((start + run.len - 1) as i64);
        }
        if with_len {
            reply.int(run.len as i64);
        }
    }
    reply.bulk(b"len");
    reply.int(whole.into());
}
