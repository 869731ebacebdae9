//! A mapped file that cannot be read any more is told of, and ends nobody.
//!
//! The file is cut short behind whoever has it mapped: a touch behind its end is what a touch of a page is that the disk
//! cannot read.

use std::fs::{File, OpenOptions};

use super::*;

/// A file of many keys, mapped, and itself.
fn mapped(keys: &Keys) -> (tempfile::TempDir, Reader, File) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    std::fs::write(&path, written(keys)).unwrap();
    let reader = Reader::open(&path).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    (folder, reader, file)
}

fn is_cut_at(error: &SnapshotError, cut: u64) -> bool {
    matches!(error, SnapshotError::Unreadable { offset, source, .. }
        if *offset >= cut && source.kind() == io::ErrorKind::UnexpectedEof)
}

#[test]
fn what_is_cut_off_is_told_of_whether_it_was_looked_at_before_or_not() {
    let keys = some_keys(2_000);
    for was_read in [false, true] {
        let (_folder, reader, file) = mapped(&keys);
        let mut blocks = Vec::new();
        if was_read {
            let mut page = reader.pages().start;
            while page < reader.pages().end {
                blocks.push(page);
                page = reader.block(page).unwrap().pages().end;
            }
        }
        let cut = reader.pages().end / 2 * PAGE_BYTES as u64;
        file.set_len(cut).unwrap();
        let (mut found, mut told) = (0, 0);
        for (key, expected) in &keys {
            match get(&reader, key) {
                Ok(value) => {
                    assert_eq!(value.as_ref(), Some(expected));
                    found += 1;
                }
                Err(error) => {
                    assert!(is_cut_at(&error, cut), "{error}");
                    told += 1;
                }
            }
        }
        assert!(found > 100 && told > 100, "{found} found, {told} told of");
        assert!(is_cut_at(&read_all(&reader).unwrap_err(), cut));
        for page in blocks {
            let extent = reader.extent(page);
            let is_there = page * (PAGE_BYTES as u64) < cut;
            assert_eq!(extent.is_ok(), is_there, "page {page}");
        }
        // Who reads ahead is not the one to tell.
        reader.populate(&reader.pages());
    }
}

#[test]
fn the_words_name_file_and_byte() {
    let (folder, reader, file) = mapped(&some_keys(100));
    file.set_len(PAGE_BYTES as u64).unwrap();
    let error = reader.block(1).err().unwrap().to_string();
    let name = folder.path().join("s");
    let words = "cannot be read at byte 4096: the file is shorter than it was when it was opened";
    assert_eq!(error, format!("{} {words}", name.display()));
}

/// What asking the system for a block adds where all pages are in memory.
#[test]
#[ignore = "a figure, not a promise: `just figures` prints it"]
fn how_long_asking_for_a_block_takes() {
    const ROUNDS: u32 = 20;
    let mut keys = some_keys(20_000);
    keys.insert(b"longer".to_vec(), (long_list(60_000), None));
    let (_folder, mapped, _file) = mapped(&keys);
    let owned = Reader::from_bytes("s", written(&keys)).unwrap();
    let pass = |reader: &Reader| {
        let (mut page, mut blocks) = (reader.pages().start, 0);
        let begun = std::time::Instant::now();
        while page < reader.pages().end {
            page = reader.block(page).unwrap().pages().end;
            blocks += 1;
        }
        (begun.elapsed() / blocks, blocks)
    };
    let first = pass(&mapped);
    println!("first look: {:?} a block of {}", first.0, first.1);
    pass(&owned);
    for (reader, what) in [(&mapped, "mapped"), (&owned, "owned")] {
        let all: std::time::Duration = (0..ROUNDS).map(|_| pass(reader).0).sum();
        println!("{what}: {:?} a block that was checked", all / ROUNDS);
    }
}
