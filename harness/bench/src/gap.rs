//! What the longest turn of a server's loop is held against: by how much a thread's CPU clock jumps though the thread does
//! nothing but read it. Time that a hypervisor takes, and that the kernel's interrupts take, counts as the thread's own.

use std::time::Duration;

use seawall_sys::usage::thread_cpu;

/// For so much of its CPU time the thread looks: as much as a server spends in a short cell.
const WATCHED: Duration = Duration::from_secs(5);

/// The longest that this thread's CPU clock went on by between two looks at it.
pub(crate) fn longest() -> Duration {
    longest_of(WATCHED, thread_cpu)
}

fn longest_of(watched: Duration, mut clock: impl FnMut() -> Duration) -> Duration {
    let begin = clock();
    let (mut last, mut longest) = (begin, Duration::ZERO);
    while last.saturating_sub(begin) < watched {
        let now = clock();
        longest = longest.max(now.saturating_sub(last));
        last = now;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_is_found_wherever_it_is() {
        for at in 1..100 {
            let mut looks = 0;
            let longest = longest_of(Duration::from_micros(100), || {
                looks += 1;
                Duration::from_micros(looks + if looks > at { 40 } else { 0 })
            });
            assert_eq!(longest.as_micros(), 41, "{at}");
        }
    }
}
