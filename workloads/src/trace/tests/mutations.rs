//! Seeded damage to a small file of each format: reading ends in a trace or in one error, and never in
//! ids that are not dense.

use std::path::Path;

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
];

/// The inputs of the corpus, each with the format that its name tells: `FORMAT.NUMBER`.
fn corpus() -> Vec<(String, Vec<u8>)> {
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
    match Trace::read(&path, Some(spec), &mut |_| {}) {
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
        match rng.below(5) {
            0 if at < bytes.len() => bytes[at] = rng.bits() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            2 => {
                let edge = EDGES[rng.below(EDGES.len() as u64) as usize];
                bytes.splice(at..at, edge.iter().copied());
            }
            3 => bytes.truncate(at),
            _ => {
                let end = at + rng.below((bytes.len() - at) as u64 + 1) as usize;
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn damage_ends_in_a_trace_or_in_one_error() {
    let seeds = std::env::var("SEAWALL_FUZZ_SEEDS").ok();
    let seeds: u64 = seeds.map_or(MUTATIONS, |text| text.parse().expect("a number of seeds"));
    let corpus = corpus();
    for format in LIST {
        let of_format: Vec<_> = corpus
            .iter()
            .filter(|(name, _)| name == format.name)
            .collect();
        assert!(!of_format.is_empty(), "{} has no corpus", format.name);
        let spec = spec(format.name);
        for (name, content) in of_format {
            assert!(check(content, &spec), "{name} is whole");
            for seed in 0..seeds {
                eprintln!("{name}, seed {seed}");
                check(&mutate(content, &mut Rng::stream(seed, 0, name)), &spec);
            }
        }
    }
}
