//! One conformance test for every member of the network loop's family, over real sockets.
//!
//! Each test runs once for each loop that this machine allows; a ledger holds the order of all events.

mod crowd;
mod echo;
mod host;
mod slow;
mod spread;
mod visitors;
mod wake;

use host::Make;
use seawall_server::net::LOOPS;

/// The loops that can run here, by name.
fn loops() -> Vec<(&'static str, Make)> {
    let mut loops: Vec<(&'static str, Make)> = Vec::new();
    for entry in LOOPS {
        match (entry.open)().unwrap().notice {
            None => loops.push((entry.name, entry.open)),
            Some(notice) => println!("skipped: {notice}"),
        }
    }
    loops
}

/// Runs `test` for each loop, and says for which one it failed.
fn each_loop(test: impl Fn(Make)) {
    for (name, make) in loops() {
        println!("loop: {name}");
        test(make);
    }
}
