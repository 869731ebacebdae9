//! Memory an item: resident bytes over the empty store, beyond key and value.

use seawall_store::command::set::SET;
use seawall_store::{Op, Store, StoreConfig};

use super::key::key;

/// Loads `items` keys of 16 bytes with values of `value_bytes` and prints what each takes: at the end, and at
/// the worst count since half as many.
pub fn print(items: u32, value_bytes: usize, most: f64) {
    let resident = || seawall_sys::usage::resident_bytes().expect("the kernel tells") as f64;
    let store = Store::open(StoreConfig {
        shards: 1,
        ..StoreConfig::default()
    })
    .expect("a store in memory opens");
    let mut worker = store.attach().expect("a seat is free");
    let before = resident();
    let value = vec![b'v'; value_bytes];
    let (mut worst, mut last) = (0.0_f64, 0.0);
    let own = (16 + value_bytes) as f64;
    for number in 0..items {
        worker.submit(&Op::new(&SET).arg(key(number)).arg(&value));
        if number % 64 == 63 {
            worker.ready(|reply| assert!(reply.is_ok()));
        }
        let count = number + 1;
        if count >= items / 2 && (count % (items / 64) == 0 || count == items) {
            worker.complete(|reply| assert!(reply.is_ok()));
            last = (resident() - before) / f64::from(count) - own;
            worst = worst.max(last);
        }
    }
    println!(
        "- {items} × (16 B + {value_bytes} B): {last:.1} B an item beyond key and value, {worst:.1} at the worst \
         count of the last doubling (to reach: ≤ {most}): {}",
        if worst <= most { "met" } else { "missed" }
    );
}
