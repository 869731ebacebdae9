//! The journal of a run: `rows.jsonl`, one row a line, appended at once.
//!
//! A row is one `write` of one whole line, so whatever stops the program later leaves finished rows
//! whole. A line cut off by a full disk or a lost machine is removed when the run is resumed; readers
//! elsewhere tell of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use seawall_report::row::Row;

/// An open `rows.jsonl`.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

/// Why a row could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct JournalError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl Journal {
    /// Opens the journal at `path`, made where it is absent. A last line that was cut off is removed.
    ///
    /// # Errors
    /// The file cannot be opened, read or shortened.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let failed = |source| JournalError {
            path: path.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed)?;
        let whole = whole_lines(&mut file).map_err(failed)?;
        if let Some(len) = whole {
            file.set_len(len).map_err(failed)?;
        }
        Ok(Journal {
            path: path.to_owned(),
            file,
        })
    }

    /// Appends a row. When this returns, the system has it.
    ///
    /// # Errors
    /// It could not be written; what reached the file of it is removed again.
    pub fn append(&mut self, row: &Row) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(row).expect("a row has a JSON form");
        line.push(b'\n');
        let before = self.file.metadata().map(|meta| meta.len());
        self.file.write_all(&line).map_err(|source| {
            if let Ok(len) = before {
                // The error that is told is the first one; a reader copes with a cut line.
                let _ = self.file.set_len(len);
            }
            JournalError {
                path: self.path.clone(),
                source,
            }
        })
    }
}

/// The length of the whole lines of `file` where a cut one follows them.
fn whole_lines(file: &mut File) -> io::Result<Option<u64>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end + 1);
    Ok((whole < bytes.len()).then_some(whole as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_report::row::{LabRow, SCHEMA};
    use serde_json::Map;

    fn row(size: u64) -> Row {
        Row::Lab(LabRow {
            schema: SCHEMA,
            run: "r".to_owned(),
            seed: 1,
            config: Map::new(),
            trace: "t".to_owned(),
            policy: "lru".to_owned(),
            params: Map::new(),
            size,
            unit: "objects".to_owned(),
            requests: 1,
            misses: 1,
            bytes_requested: 1,
            bytes_missed: 1,
            extra: Map::new(),
        })
    }

    #[test]
    fn a_cut_line_goes_when_the_journal_is_opened_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.jsonl");
        let mut journal = Journal::open(&path).expect("opened");
        journal.append(&row(1)).expect("kept");
        journal.append(&row(2)).expect("kept");
        drop(journal);
        let text = std::fs::read(&path).expect("read");
        std::fs::write(&path, &text[..text.len() - 9]).expect("cut");
        let mut journal = Journal::open(&path).expect("opened");
        journal.append(&row(3)).expect("kept");
        let text = std::fs::read_to_string(&path).expect("read");
        let sizes: Vec<u64> = text
            .lines()
            .map(|line| match serde_json::from_str(line).expect("whole") {
                Row::Lab(row) => row.size,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(sizes, [1, 3]);
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            eprintln!("skipped: no /dev/full here");
            return;
        }
        let mut journal = Journal::open(full).expect("a device opens");
        let error = journal.append(&row(1)).expect_err("the disk is full");
        assert!(error.to_string().starts_with("/dev/full: "), "{error}");
    }
}
