//! What this machine can do: random latency of its memory and how fast it copies, measured here and now.

use std::hint::black_box;
use std::time::Instant;

use memmap2::{Advice, MmapMut};

const BYTES: usize = 512 << 20;
const LINE: usize = 64;
const HOPS: usize = 2_000_000;

/// Memory of `bytes` bytes on huge pages where the system has them, touched.
pub fn huge(bytes: usize) -> MmapMut {
    let mut memory = MmapMut::map_anon(bytes).expect("the system gives memory");
    // Refused where there are none: then small pages it is, as for everybody.
    let _ = memory.advise(Advice::HugePage);
    memory.fill(1);
    memory
}

/// Nanoseconds from one read to the next that hangs on it, all over 512 MiB of huge pages.
pub fn latency_ns() -> f64 {
    let mut memory = huge(BYTES);
    let (lines, _) = memory.as_chunks_mut::<LINE>();
    let count = lines.len();
    // A congruential generator of full period: one cycle through every line, in no order that a
    // prefetcher guesses.
    let after = |at: usize| (at.wrapping_mul(0x5_deec_e66d) + 0xb) % count;
    for (at, line) in lines.iter_mut().enumerate() {
        line[..8].copy_from_slice(&(after(at) as u64).to_le_bytes());
    }
    let mut at = 0;
    let start = Instant::now();
    for _ in 0..HOPS {
        let next = lines[at].first_chunk().expect("a line has eight bytes");
        at = u64::from_le_bytes(*next) as usize;
    }
    black_box(at);
    start.elapsed().as_nanos() as f64 / HOPS as f64
}

/// Gigabytes copied a second, each read once and written once.
pub fn copy_gb_per_s() -> f64 {
    let from = huge(BYTES / 2);
    let mut to = huge(BYTES / 2);
    let start = Instant::now();
    for _ in 0..4 {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    }
    4.0 * from.len() as f64 / start.elapsed().as_secs_f64() / 1e9
}
