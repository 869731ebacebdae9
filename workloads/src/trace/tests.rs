//! Each format on small files, and each kind of damage with the message that it ends in.

use std::io::Write;
use std::path::PathBuf;

use super::*;

mod formats;
mod mutations;
mod written;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("writable");
        path
    }
}

fn read(name: &str, content: &[u8], format: Option<&str>) -> Result<Trace, TraceError> {
    let folder = Folder::new();
    let path = folder.file(name, content);
    let format = format.map(str::parse).transpose()?;
    Trace::read(&path, format.as_ref(), &mut |_| {})
}

/// The message without the folder.
fn error(name: &str, content: &[u8], format: Option<&str>) -> String {
    let message = read(name, content, format).expect_err(name).to_string();
    match message.find(name) {
        Some(start) => message[start..].to_owned(),
        None => message,
    }
}

fn oracle(records: &[(u32, u64, u32, i64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (time, id, size, next) in records {
        bytes.extend(time.to_le_bytes());
        bytes.extend(id.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(next.to_le_bytes());
    }
    bytes
}

#[test]
fn oracle_general_has_times_and_sizes() {
    let bytes = oracle(&[(5, 1 << 40, 100, 2), (6, 7, 30, -1), (9, 1 << 40, 120, -1)]);
    let trace = read("io.oracleGeneral.bin", &bytes, None).expect("a trace");
    assert_eq!(trace.name(), "io");
    assert_eq!(trace.objects(), [0, 1, 0]);
    assert_eq!(trace.sizes(), [100, 30, 120]);
    assert_eq!(trace.times_s(), [5, 6, 9]);
    assert_eq!((trace.object_count(), trace.footprint_bytes()), (2, 130));
}

#[test]
fn binary_keys_are_big_endian_and_have_no_sizes() {
    let trace = read("a.i32be", &[0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 9], None).expect("a trace");
    assert_eq!(trace.objects(), [0, 1, 0]);
    assert_eq!((trace.size(2), trace.footprint_bytes()), (1, 2));
    let trace = read("a.i64be", &[0, 0, 0, 9, 0, 0, 0, 8], None).expect("a trace");
    assert_eq!(trace.len(), 1);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_key() {
    let marked = b"\xef\xbb\xbf1,5\n1,5\n\xef\xbb\xbf2,5\n";
    let trace = read("a.csv", marked, Some("csv:object=1:size=2")).expect("a trace");
    assert_eq!(trace.objects(), [0, 0, 1]);
}

#[test]
fn csv_takes_columns_delimiters_quotes_and_headers() {
    let commas = b"# time, object, size\n3, x ,10\n\n4,\"x\",12\n5,\"y,z\",1\r\n";
    let trace = read("a.csv", commas, Some("csv:object=2:time=1:size=3")).expect("a trace");
    assert_eq!(trace.objects(), [0, 0, 1]);
    assert_eq!(trace.sizes(), [10, 12, 1]);
    assert_eq!(trace.times_s(), [3, 4, 5]);
    let tabs = b"url\tms\n/a b\t2500\n/c\t2600\n";
    let spec = "csv:object=1:time=2:header=yes:delimiter=tab:unit=ms";
    let trace = read("a.tsv", tabs, Some(spec)).expect("a trace");
    assert_eq!(
        (trace.objects(), trace.times_s()),
        (&[0, 1][..], &[2, 2][..])
    );
    let spaces = b"1 0 68\n2 1 -";
    let trace = read("a.x", spaces, Some("csv:object=2:size=3:delimiter=space")).expect("a trace");
    assert_eq!(trace.sizes(), [68, 1], "no size is the least size");
}

#[test]
fn text_lirs_and_arc_are_lines() {
    let trace = read("a.txt", b"user:1\n\nuser:2\n*\nuser:1", None).expect("a trace");
    assert_eq!(trace.objects(), [0, 1, 2, 0]);
    let trace = read("a.lirs", b"5\r\n*\r\n6\r\n05\r\n", None).expect("a trace");
    assert_eq!(trace.objects(), [0, 1, 0]);
    let trace = read("a.lis", b"10 3 0 1\n12 1 0 2\n", None).expect("a trace");
    assert_eq!(trace.objects(), [0, 1, 2, 2]);
}

#[test]
fn compression_is_known_by_content() {
    let plain = b"a\nb\na\n";
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(plain).expect("in memory");
    let gz = gz.finish().expect("in memory");
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(plain).expect("in memory");
    let xz = xz.finish().expect("in memory");
    let zst = zstd::encode_all(&plain[..], 1).expect("in memory");
    for (name, content) in [
        ("a.txt.gz", &gz),
        ("a.txt.xz", &xz),
        ("a.txt.zst", &zst),
        ("a.txt", &gz),
    ] {
        let trace = read(name, content, None).expect(name);
        assert_eq!(
            (trace.objects(), trace.name()),
            (&[0, 1, 0][..], "a"),
            "{name}"
        );
        let cut = error(name, &content[..content.len() - 5], None);
        assert!(
            cut.contains("the content breaks off or cannot be decompressed"),
            "{name}: {cut}"
        );
    }
    assert_eq!(
        error("a.txt.gz", plain, None),
        "a.txt.gz, byte 0: the name ends in .gz, the content is not compressed so; accepted: gz, xz, \
         zst (known by their first bytes), or no compression"
    );
}

#[test]
fn damage_is_told_with_its_place() {
    let two = oracle(&[(5, 1, 100, -1), (6, 7, 30, -1)]);
    assert_eq!(
        error("a.oracleGeneral", &two[..40], None),
        "a.oracleGeneral, byte 24: the last record is cut off after 16 of 24 bytes; accepted: whole \
         records only"
    );
    let absurd = oracle(&[(5, 1, 100, -1), (6, 7, u32::MAX, -1)]);
    assert!(error("a.oracleGeneral", &absurd, None).contains("the size is 4294967295"));
    let wrong = oracle(&[(5, 1, 100, -99)]);
    assert!(
        error("a.oracleGeneral", &wrong, None).contains("byte 0: the next access of the record")
    );
    let text = b"1, 2, 3, 4\n5, 6, 7, 8\n9, 1, 2, 3\n";
    for name in ["a.oracleGeneral", "a.i32be", "a.i64be"] {
        assert!(
            error(name, text, None).contains("byte 0: the file begins as text"),
            "{name}"
        );
    }
    for name in ["a.txt", "a.lis", "a.lirs"] {
        let found = error(name, b"1 1 1 1\n\x00\x01\n", None);
        assert!(found.starts_with(name), "{found}");
    }
    assert!(error("a.txt", b"x\n\x00\x01\n", None).contains("line 2: byte 0x00 stands in it"));
    assert!(
        error("a.txt", &b"x".repeat(2 << 20), None)
            .contains("line 1: no end of line in 1048576 bytes")
    );
    for name in ["a.txt", "a.lis", "a.lirs", "a.i32be", "a.oracleGeneral"] {
        assert!(
            error(name, b"", None).contains("no request in it"),
            "{name}"
        );
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (line, what) in [
        ("5 0 0 1", "the count is 0"),
        ("5 99999999999 0 1", "the count is 99999999999"),
        ("18446744073709551615 2 0 1", "the run ends beyond 2^64"),
        ("5 1 0", "the request's number is ''"),
        ("-5 1 0 1", "the first block is '-5'"),
    ] {
        let content = format!("1 1 0 0\n{line}\n");
        let found = error("a.lis", content.as_bytes(), None);
        assert!(found.contains(&format!("line 2: {what}")), "{found}");
    }
    let spec = Some("csv:object=1:size=2:time=3");
    for (line, what) in [
        ("a,-1,0", "the size is '-1'"),
        ("a,4294967296,0", "the size is '4294967296'"),
        ("a,1,99999999999", "the time is 99999999999 s"),
        ("a,1", "there is no column for the time"),
        (",1,1", "the object is empty"),
    ] {
        let found = error("a.csv", format!("b,1,1\n{line}\n").as_bytes(), spec);
        assert!(found.contains(&format!("line 2: {what}")), "{found}");
    }
}

#[test]
fn a_name_settles_the_format_or_the_error_names_candidates() {
    assert_eq!(
        error("a.trace.xz", b"", None),
        "a.trace.xz: its name does not settle the format; give one of: oracle-general, \
         csv:object=2:time=1:size=3, text, i32be, i64be, arc, lirs, lcs, \
         tsv:object=2:time=1:size=3, twr, access-log, cachelib, jsonl-blocks, swt"
    );
    assert_eq!(
        error("a.csv", b"", None),
        "a.csv: its name does not settle the format; give one of: csv:object=2:time=1:size=3"
    );
    let spec = |text: &str| {
        text.parse::<FormatSpec>()
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        spec("csb").expect_err("no format"),
        "unknown trace format `csb`; accepted: oracle-general, csv, text, i32be, i64be, arc, lirs, \
         lcs, tsv, twr, access-log, cachelib, jsonl-blocks, swt"
    );
    assert_eq!(
        spec("csv:object=0").expect_err("no column"),
        "`object` of `csv` cannot be `0`; accepted: a column from 1 to 1024"
    );
    assert!(
        spec("csv")
            .expect_err("no columns")
            .contains("needs `object`")
    );
    assert!(
        spec("arc:object=1")
            .expect_err("no options")
            .contains("no parameter `object`; accepted: none")
    );
    assert!(
        spec("csv:object=1:object=2")
            .expect_err("twice")
            .contains("`object` is given twice")
    );
    for text in [
        "arc",
        "csv:object=2:time=1:size=3",
        "csv:object=1:header=yes:delimiter=tab",
    ] {
        assert_eq!(spec(text).expect(text).to_string(), text);
    }
}
