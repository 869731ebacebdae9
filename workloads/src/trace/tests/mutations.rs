//! Seeded damage to a small file of each format, plain and compressed, and bytes that are no trace at all: reading ends
//! soon, in bounded memory, in a trace or in one error, and never in ids that are not dense.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::dist::Rng;

/// Damaged files of each format, unless `SEAWALL_FUZZ_SEEDS` says how many.
const MUTATIONS: u64 = 300;

/// Texts in which readers go wrong.
const EDGES: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b",",
    b"\"",
    b"-1",
    b"NaN",
    b"1e400",
    b"\0",
    b"[[",
    b"]",
    b"{",
    b" ",
    b"\t",
    b"4294967295",
    b"18446744073709551616",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"-",
    b"\\\"",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\0\0\0\0\x80",
];

/// How files of other kinds begin.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"SEAWALLT\x01\0\0\0",
    b"\xf0\xde\xbc\x9a\x78\x56\x34\x12\x03\0\0\0\0\0\0\0",
    b"\x1f\x8b\x08\0",
    b"\xfd7zXZ\0\0\x04",
    b"\x28\xb5\x2f\xfd",
    b"key,op,size\n",
];

/// Small files are read in much less.
const READ_SECONDS_MAX: u64 = 30;
/// The windows of the decompressors may take 384 MiB of it, and other tests of this process something, too.
const MEMORY_KIB_MAX: u64 = 1 << 20;

/// Names and contents.
type Inputs = Vec<(String, Vec<u8>)>;

/// The inputs of the corpus, each with the format that its name tells: `FORMAT.NUMBER`.
fn corpus() -> Inputs {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/trace/tests/corpus");
    let mut inputs: Vec<_> = std::fs::read_dir(&folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let content = std::fs::read(&path).expect("readable");
            let name = path.file_stem().expect("a name").to_string_lossy();
            (name.into_owned(), content)
        })
        .collect();
    inputs.sort();
    inputs
}

fn spec(format: &str) -> FormatSpec {
    let text = match format {
        "csv" | "tsv" => format!("{format}:object=1:time=2:size=3:op=4:ttl=5"),
        plain => plain.to_owned(),
    };
    text.parse().expect("a format")
}

fn check(content: &[u8], spec: &FormatSpec) -> bool {
    let folder = Folder::new();
    let path = folder.file("a.bin", content);
    let begin = Instant::now();
    let read = Trace::read(&path, Some(spec), &mut |_| {});
    let taken = begin.elapsed();
    assert!(taken < Duration::from_secs(READ_SECONDS_MAX), "{taken:?}");
    match read {
        Ok(trace) => {
            let mut next = 0;
            for &object in trace.objects() {
                assert!(object <= next, "ids are dense");
                next = next.max(object + 1);
            }
            assert_eq!(next, trace.object_count());
            assert_eq!(trace.columns().uneven(trace.len()), None);
            assert!(
                trace
                    .sizes()
                    .iter()
                    .all(|&size| size != 0 && size != u32::MAX)
            );
            true
        }
        Err(error) => {
            assert!(error.to_string().contains("accepted"), "{error}");
            false
        }
    }
}

fn mutate(content: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = content.to_vec();
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len() as u64 + 1) as usize;
        match rng.below(8) {
            0 if at < bytes.len() => bytes[at] = rng.bits() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            2 => {
                let edge = EDGES[rng.below(EDGES.len() as u64) as usize];
                bytes.splice(at..at, edge.iter().copied());
            }
            3 => bytes.truncate(at),
            4 => {
                let edge = EDGES[rng.below(EDGES.len() as u64) as usize];
                let end = bytes.len().min(at + edge.len());
                bytes.splice(at..end, edge.iter().copied());
            }
            5 => bytes.rotate_left(at),
            6 => {
                let half = at / 2;
                let (first, second) = bytes.split_at_mut(half);
                first.swap_with_slice(&mut second[..half]);
            }
            _ => {
                let end = at + rng.below((bytes.len() - at) as u64 + 1) as usize;
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Gives a damaged `.swt` the checksums of what stands in it, as whoever made it on purpose would; as far as its
/// blocks can be told.
fn mend_swt(bytes: &mut [u8]) {
    let word = |bytes: &[u8], at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes) as usize)
    };
    let check = |bytes: &mut [u8], at: usize, of: std::ops::Range<usize>| {
        let end = of.end.min(bytes.len());
        if of.start <= end && at + 4 <= bytes.len() {
            let sum = crc_fast::crc32_iscsi(&bytes[of.start..end]);
            bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
        }
    };
    let Some(made) = word(bytes, 40) else { return };
    check(bytes, 44, 64..64usize.saturating_add(made));
    check(bytes, 60, 0..60);
    let mut at = 64usize.saturating_add(made);
    while let Some(lengths) = [12, 16, 20, 24, 28]
        .into_iter()
        .map(|place| word(bytes, at.saturating_add(place)))
        .sum::<Option<usize>>()
    {
        let end = at.saturating_add(32).saturating_add(lengths);
        check(bytes, at, at + 4..end);
        at = end;
    }
}

fn compressed(content: &[u8], suffix: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    match suffix {
        "gz" => {
            let mut encoder =
                flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::fast());
            encoder.write_all(content).expect("memory");
            encoder.finish().expect("memory");
        }
        "xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(&mut bytes, 0);
            encoder.write_all(content).expect("memory");
            encoder.finish().expect("memory");
        }
        _ => bytes = zstd::encode_all(content, 1).expect("memory"),
    }
    bytes
}

fn seeds() -> u64 {
    let seeds = std::env::var("SEAWALL_FUZZ_SEEDS").ok();
    seeds.map_or(MUTATIONS, |text| text.parse().expect("a number of seeds"))
}

/// The most memory that this process had so far is bounded.
fn memory_was_bounded() {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    let kib: u64 = peak.expect("a peak").parse().expect("a number");
    assert!(kib < MEMORY_KIB_MAX, "{kib} KiB at most");
}

/// The inputs of each format; there is one at least.
fn by_format() -> Vec<(&'static Format, Inputs)> {
    let corpus = corpus();
    let inputs = |format: &&'static Format| {
        let of_format = corpus.iter().filter(|(name, _)| name == format.name);
        let of_format: Inputs = of_format.cloned().collect();
        assert!(!of_format.is_empty(), "{} has no corpus", format.name);
        (*format, of_format)
    };
    LIST.iter().map(inputs).collect()
}

#[test]
fn damage_ends_in_a_trace_or_in_one_error() {
    for (format, inputs) in by_format() {
        let spec = spec(format.name);
        for (name, content) in inputs {
            assert!(check(&content, &spec), "{name} is whole");
            for seed in 0..seeds() {
                eprintln!("{name}, seed {seed}");
                let mut rng = Rng::stream(seed, 0, &name);
                let mut damaged = mutate(&content, &mut rng);
                if format.name == "swt" && seed % 2 == 0 {
                    mend_swt(&mut damaged);
                }
                check(&damaged, &spec);
            }
        }
    }
    memory_was_bounded();
}

/// Also where the checksum is that of what is left.
#[test]
fn a_swt_that_is_cut_anywhere_is_told() {
    let (_, whole) = corpus()
        .into_iter()
        .find(|(name, _)| name == "swt")
        .expect("one");
    for length in 0..whole.len() {
        let mut cut = whole[..length].to_vec();
        mend_swt(&mut cut);
        assert!(!check(&cut, &spec("swt")), "cut after {length} bytes");
    }
}

/// Damage to what is compressed, and to what was compressed then.
#[test]
fn compressed_damage_ends_in_a_trace_or_in_one_error() {
    for (format, inputs) in by_format() {
        let spec = spec(format.name);
        let (name, content) = &inputs[0];
        for suffix in ["gz", "xz", "zst"] {
            let whole = compressed(content, suffix);
            assert!(check(&whole, &spec), "{name}.{suffix} is whole");
            for seed in 0..seeds().div_ceil(10) {
                eprintln!("{name}.{suffix}, seed {seed}");
                let mut rng = Rng::stream(seed, 1, name);
                check(&mutate(&whole, &mut rng), &spec);
                check(&compressed(&mutate(content, &mut rng), suffix), &spec);
            }
        }
    }
    memory_was_bounded();
}

#[test]
fn bytes_that_are_no_trace_end_in_a_trace_or_in_one_error() {
    for format in LIST {
        let spec = spec(format.name);
        for seed in 0..seeds().div_ceil(3) {
            eprintln!("{}, seed {seed}", format.name);
            let mut rng = Rng::stream(seed, 2, format.name);
            let mut bytes = BEGINNINGS[rng.below(BEGINNINGS.len() as u64) as usize].to_vec();
            // Some are of few different bytes, as numbers and gaps between them are.
            let alphabet: &[u8] =
                [&b""[..], b"0123456789 ,\n", b"\"[]{}:,key1\n -"][rng.below(3) as usize];
            let length_max = 1 << rng.below(14);
            for _ in 0..rng.below(length_max) {
                let byte = rng.bits();
                let among = alphabet.get(byte as usize % alphabet.len().max(1));
                bytes.push(among.copied().unwrap_or(byte as u8));
            }
            check(&bytes, &spec);
        }
    }
    memory_was_bounded();
}
