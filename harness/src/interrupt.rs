//! What happens when somebody interrupts the program (SIGINT, SIGTERM) or
//! its terminal goes (SIGHUP, SIGQUIT): servers that it started end with
//! it, and it ends as a program does that was interrupted.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::output;
use crate::status::{Failure, Outcome};

/// From now on, whoever interrupts the program is told `hint`, where there is one.
pub(crate) fn on_interrupt(hint: Option<String>) -> Outcome {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]).map_err(Failure::work)?;
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
