//! What happens when somebody interrupts the program (SIGINT, SIGTERM, SIGQUIT) or its terminal goes
//! (SIGHUP): servers that it started end with it, and it ends as a program does that was interrupted; or work
//! that is worth keeping as far as it came is told, and ends in order.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::output;
use crate::status::{Failure, Outcome};

/// From now on, whoever interrupts the program is told `hint`, where there is one. What it was told to
/// ignore when it was started (`nohup`) it goes on ignoring.
pub(crate) fn on_interrupt(hint: Option<String>) -> Outcome {
    let mut signals = Signals::new(heard()).map_err(Failure::work)?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            if let Some(hint) = hint {
                output::complain(&hint);
            }
            seawall_bench::abandon();
            // Of these signals it does not return.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// From now on the first interruption sets the flag, for work that looks at it; a second one ends the program. What it
/// was told to ignore it goes on ignoring.
pub(crate) fn flag() -> Outcome<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in heard() {
        // In this order: the first finds the flag unset when the signal comes for the first time.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&flag))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
            .map_err(Failure::work)?;
    }
    Ok(flag)
}

/// The signals that interrupt, without those that the program was told to ignore.
fn heard() -> impl Iterator<Item = c_int> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
        .into_iter()
        .filter(move |signal| ignored >> (signal - 1) & 1 == 0)
}

/// The signals that a process ignores, the first in the lowest bit (`proc_pid_status(5)`); none where the
/// kernel does not tell.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_the_kernels_mask() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t00000000000000ff\n";
        let mask = ignored(status);
        assert_eq!(mask >> (SIGHUP - 1) & 1, 1);
        assert_eq!(mask >> (SIGINT - 1) & 1, 0);
        assert_eq!(ignored(""), 0);
    }
}
