//! One slice of a run: so many ops of one store, on pinned threads, every answer checked.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use seawall_sys::usage;

use super::key::{VALUE_BYTES, told};
use super::store::{BATCH, Peer, Seat, sum_told};
use super::work::{OPS, WRITE};

/// How ops follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One by one; the processor may begin the next before the last has its answer.
    One,
    /// Which is next hangs on the last answer.
    Dependent,
    /// 32 gets together.
    Batch,
}

/// All of them.
pub const PACES: [Pace; 3] = [Pace::One, Pace::Dependent, Pace::Batch];

impl Pace {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Pace::One => "one",
            Pace::Dependent => "dependent",
            Pace::Batch => "batch",
        }
    }
}

/// What a slice's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// From the common start to the last end.
    Wall,
    /// The processor time of the thread that took most: where other programs want the same cores. Who sleeps
    /// instead of working is not charged for it, so this is for one thread.
    Cpu,
}

impl Timer {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Timer::Wall => "wall",
            Timer::Cpu => "cpu",
        }
    }
}

/// So many ops of each thread's sequence, from a place in it.
pub struct Slice<'a> {
    pub pace: Pace,
    pub timer: Timer,
    pub sequences: &'a [Vec<u32>],
    pub ops: usize,
    pub from: usize,
}

/// A store that slices run on, whichever it is.
pub trait Runs {
    /// Runs the slice; how long it took.
    fn run(&self, slice: &Slice<'_>) -> Duration;
}

impl<P: Peer> Runs for P {
    fn run(&self, slice: &Slice<'_>) -> Duration {
        let threads = slice.sequences.len();
        let (start, done) = (Barrier::new(threads), AtomicUsize::new(0));
        let all_done = || done.load(Ordering::Acquire) == threads;
        let one = |thread: usize| {
            pin(thread);
            let mut seat = self.seat(thread);
            let sequence = &slice.sequences[thread];
            start.wait();
            let begun = (Instant::now(), usage::thread_cpu());
            // Each pace is compiled by itself, so that none pays for another.
            let sums = match slice.pace {
                Pace::One => one_by_one(&mut seat, sequence, slice, 0),
                Pace::Dependent => one_by_one(&mut seat, sequence, slice, u8::MAX),
                Pace::Batch => batches(&mut seat, sequence, slice),
            };
            let ended = match slice.timer {
                Timer::Wall => begun.0.elapsed(),
                Timer::Cpu => usage::thread_cpu().saturating_sub(begun.1),
            };
            done.fetch_add(1, Ordering::Release);
            seat.leave(all_done);
            assert_eq!(sums.0, sums.1, "{}: a wrong answer", P::NAME);
            ended
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|thread| {
                    let one = &one;
                    scope.spawn(move || one(thread))
                })
                .collect();
            let times = threads.into_iter().map(|t| t.join().expect("no panic"));
            times.max().unwrap_or_default()
        })
    }
}

/// Runs ops one by one; what the answers told, and what they had to. With `hangs` set the place of the
/// next op is made of the last answer, so that the processor cannot know it before.
#[inline(never)]
fn one_by_one(seat: &mut impl Seat, sequence: &[u32], slice: &Slice<'_>, hangs: u8) -> (u64, u64) {
    let mut value = Vec::with_capacity(VALUE_BYTES);
    let (mut told_sum, mut sum) = (0, 0);
    // Zero, as the compiler does not know.
    let zero = black_box(0_u8);
    let hangs = hangs != 0;
    let mut at = slice.from;
    for _ in 0..slice.ops {
        let number = sequence[at % OPS];
        at += 1;
        if number & WRITE != 0 {
            seat.set(number & !WRITE);
            continue;
        }
        value.clear();
        assert!(seat.get(number, &mut value), "every key is there");
        told_sum += u64::from(told(&value));
        sum += u64::from(seat.stands_for(number));
        black_box(&value);
        if hangs {
            at += usize::from(value[VALUE_BYTES - 1] & zero);
        }
    }
    (told_sum, sum)
}

/// As [`one_by_one`], gets in batches; the writes among them come after.
#[inline(never)]
fn batches(seat: &mut impl Seat, sequence: &[u32], slice: &Slice<'_>) -> (u64, u64) {
    let mut values = Vec::with_capacity(VALUE_BYTES * BATCH);
    let (mut told_sum, mut sum) = (0, 0);
    let mut at = slice.from;
    let (mut reads, mut writes) = ([0; BATCH], [0; BATCH]);
    for _ in 0..slice.ops / BATCH {
        let at_once = &sequence[at % OPS..][..BATCH];
        at += BATCH;
        let (mut count, mut written) = (0, 0);
        for &number in at_once {
            (reads[count], writes[written]) = (number, number & !WRITE);
            let is_write = number & WRITE != 0;
            count += usize::from(!is_write);
            written += usize::from(is_write);
        }
        values.clear();
        let reads = &reads[..count];
        assert_eq!(
            seat.get_batch(reads, &mut values),
            count,
            "every key is there"
        );
        told_sum += sum_told(&values);
        sum += reads
            .iter()
            .map(|&n| u64::from(seat.stands_for(n)))
            .sum::<u64>();
        black_box(&values);
        seat.set_batch(&writes[..written]);
    }
    (told_sum, sum)
}

/// Ties the calling thread to a CPU: the first thread to the last that is allowed, and so on down.
pub fn pin(thread: usize) {
    let cpus = seawall_sys::pin::allowed();
    let cpu = cpus[cpus.len() - 1 - thread % cpus.len()];
    seawall_sys::pin::pin(cpu).expect("an allowed CPU can be pinned to");
}
