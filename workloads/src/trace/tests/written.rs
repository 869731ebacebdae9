//! What is written is read again, equal; a damaged `.swt` is told in one message.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::dist::Rng;
use crate::trace::builder::BLOCK_REQUESTS;

/// A trace with every column, of more than two blocks. Its objects are called by their ids, as written traces call
/// them.
fn sample() -> Trace {
    let (mut rng, mut seen) = (Rng::new(7), 0);
    let requests = (0..BLOCK_REQUESTS as u64 * 2 + 77).map(|request| Request {
        key: {
            let key = rng.below(1 + request / 3).min(seen);
            seen += u64::from(key == seen);
            key
        },
        size: Some(1 + rng.below(5000) as u32),
        time_s: Some((1_000_000 + request / 9 - rng.below(3)) as u32),
        op: Some(Op::ALL[rng.below(3) as usize]),
        ttl_s: Some(rng.below(2) as u32 * 60),
    });
    Trace::from_requests("sample", requests)
}

fn write(trace: &Trace, path: &Path, format: &str) {
    let spec: FormatSpec = format.parse().expect("a format");
    let made = json!({"source": "tests"});
    let mut output = Output::create(path, spec.format(), &made).expect("a new file");
    let nothing = Columns::default();
    for block in [&nothing, trace.columns(), &nothing] {
        output.write(block).expect("written");
    }
    assert!(!path.exists(), "it has its name when it is whole");
    output.finish().expect("durable");
}

#[test]
fn swt_and_csv_keep_every_column() {
    let folder = Folder::new();
    let trace = sample();
    for (name, spec) in [
        ("sample.swt", "swt"),
        ("sample.csv", "csv:object=1:time=2:size=3:op=4:ttl=5"),
    ] {
        let path = folder.0.path().join(name);
        write(&trace, &path, spec);
        let read = Trace::read(&path, spec.parse().ok().as_ref(), &mut |_| {}).expect("whole");
        // Objects have other keys there: their dense ids, or none.
        assert!(read.columns() == trace.columns(), "{name}");
        assert_eq!(read.object_count(), trace.object_count(), "{name}");
        assert_eq!(read.footprint_bytes(), trace.footprint_bytes(), "{name}");
        assert_eq!(
            std::fs::read_dir(folder.0.path())
                .expect("a folder")
                .count(),
            1
        );
        std::fs::remove_file(path).expect("it was there");
    }
    let bare = Trace::from_requests(
        "bare",
        [0, 1, 0].map(|key| Request {
            key,
            ..Request::default()
        }),
    );
    let path = folder.0.path().join("bare.swt");
    write(&bare, &path, "swt");
    let read = Trace::read(&path, None, &mut |_| {}).expect("whole");
    assert_eq!(read.columns(), bare.columns());
    let mut requests = Requests::open(&path, None).expect("a file");
    requests.next_block().expect("whole");
    assert_eq!(requests.made(), Some("{\"source\":\"tests\"}"));
}

#[test]
fn oracle_general_gets_its_next_accesses_again() {
    let folder = Folder::new();
    let original = include_bytes!("../../../data/dev-session.oracleGeneral.zst");
    let original = zstd::decode_all(&original[..]).expect("whole");
    let path = folder.file("a.oracleGeneral", &original);
    let trace = Trace::read(&path, None, &mut |_| {}).expect("whole");
    let copy = folder.0.path().join("b.oracleGeneral");
    write(&trace, &copy, "oracle-general");
    let copy = std::fs::read(copy).expect("written");
    assert_eq!(copy.len(), original.len());
    let all_but_ids = |record: &[u8]| [&record[..4], &record[12..]].concat();
    for (found, record) in copy.chunks(24).zip(original.chunks(24)) {
        assert_eq!(all_but_ids(found), all_but_ids(record));
    }
}

#[test]
fn a_damaged_swt_is_one_message() {
    let folder = Folder::new();
    let path = folder.0.path().join("sample.swt");
    let trace = sample();
    write(&trace, &path, "swt");
    let whole = std::fs::read(&path).expect("written");
    let mut rng = Rng::new(11);
    for round in 0..400 {
        let mut damaged = whole.clone();
        let at = rng.below(whole.len() as u64) as usize;
        if round % 2 == 0 {
            damaged.truncate(at);
        } else {
            damaged[at] ^= 1 << rng.below(8);
        }
        let found = read("a.swt", &damaged, None)
            .expect_err("damaged")
            .to_string();
        assert!(found.contains("accepted: "), "{round}: {found}");
    }
    // Blocks in another order, and one left out, are damage too.
    let two = [&whole[..], &whole[100..]].concat();
    assert!(read("a.swt", &two, None).is_err());
}

#[test]
fn what_is_not_written_is_named() {
    let path = Path::new("nowhere.lis");
    let format: FormatSpec = "arc".parse().expect("a format");
    let error = Output::create(path, format.format(), &json!({}))
        .err()
        .expect("none");
    assert_eq!(
        error.to_string(),
        "`arc` is not written; accepted: oracle-general, csv, text, swt"
    );
    let text: FormatSpec = "text".parse().expect("a format");
    let error = Output::create(Path::new("/dev/null"), text.format(), &json!({})).err();
    assert!(
        error
            .expect("a device")
            .to_string()
            .contains("/dev/null: is there and no file")
    );
    let dropped = Folder::new();
    let swt: FormatSpec = "swt".parse().expect("a format");
    drop(Output::create(
        &dropped.0.path().join("a.swt"),
        swt.format(),
        &json!({}),
    ));
    assert_eq!(
        std::fs::read_dir(dropped.0.path())
            .expect("a folder")
            .count(),
        0
    );
}

/// A file made by another program from the format's description.
#[test]
fn swt_is_as_its_description_says() {
    let trace = read("by-hand.swt", include_bytes!("corpus/swt.1"), None).expect("whole");
    assert_eq!(trace.objects(), [0, 1, 0, 1]);
    assert_eq!(trace.times_s(), [5, 6, 5, 5]);
    assert_eq!(trace.sizes(), [10, 20, 10, 20]);
    assert_eq!(trace.ops(), [Op::Get, Op::Set, Op::Get, Op::Delete]);
    assert_eq!(trace.ttls_s(), [0, 60, 0, 0]);
    assert_eq!((trace.object_count(), trace.footprint_bytes()), (2, 30));
}
