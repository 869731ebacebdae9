//! Writes of one client on shards of two workers, without waiting for answers between them: who sees the later
//! one sees the earlier one, though its owner has not turned since.

use super::tagged::Bench;

/// Two workers, and a key of each.
fn two() -> Option<(Bench, [String; 2])> {
    let bench = Bench::new(2);
    if bench.workers.len() < 2 {
        // One worker writes at once.
        return None;
    }
    let store = &bench.store;
    let key_of = |shard: usize| {
        let mut keys = (0..).map(|n| format!("key:{n}"));
        let on_it = |key: &String| store.shard_of(key.as_bytes()) == shard;
        keys.find(on_it).expect("endless")
    };
    let keys = [key_of(0), key_of(1)];
    Some((bench, keys))
}

/// Worker 0 writes `number`: first where worker 1 has to, and then at once where it may itself.
fn write(bench: &mut Bench, [near, far]: &[String; 2], number: u32) {
    bench.send(0, &format!("set {far} {number}"));
    assert!(bench.workers[0].keeps_order());
    bench.send(0, &format!("set {near} {number}"));
}

#[test]
#[cfg_attr(broken_order, should_panic(expected = "after a read"))]
fn a_read_elsewhere_comes_after_what_was_published() {
    let Some((mut bench, keys)) = two() else {
        return;
    };
    let [near, far] = &keys;
    for number in 1..4 {
        write(&mut bench, &keys, number);
        // On any core: worker 0 is not asked.
        let seen = bench.send(1, &format!("get {near}"));
        let earlier = bench.send(1, &format!("get {far}"));
        let both = (bench.heard(seen), bench.heard(earlier));
        let value = format!("$1 {number} ");
        assert_eq!(both, (value.clone(), value), "after a read");
    }
}

#[test]
#[cfg_attr(broken_order, should_panic(expected = "from outside"))]
fn what_comes_from_outside_comes_after_what_was_published() {
    let Some((mut bench, keys)) = two() else {
        return;
    };
    for number in 1..4 {
        write(&mut bench, &keys, number);
        bench.workers[1].catch_up();
        let earlier = bench.send(1, &format!("get {}", keys[1]));
        let value = format!("$1 {number} ");
        assert_eq!(bench.heard(earlier), value, "from outside");
    }
}

#[test]
#[cfg_attr(broken_order, should_panic(expected = "together"))]
fn a_shard_stands_still_after_what_was_published() {
    let Some((mut bench, keys)) = two() else {
        return;
    };
    for number in 1..4 {
        write(&mut bench, &keys, number);
        let both = bench.send(1, &format!("mget {} {}", keys[0], keys[1]));
        let whole = format!("*2 $1 {number} $1 {number} ");
        assert_eq!(bench.heard(both), whole, "together");
    }
}

/// While a shard stands still, or is about to, order is kept by answers.
#[test]
#[cfg_attr(broken_order, should_panic(expected = "worker 1 holds its shard"))]
fn nothing_is_promised_while_a_shard_stands_still() {
    let Some((mut bench, keys)) = two() else {
        return;
    };
    for worker in [0, 1] {
        assert!(bench.workers[worker].keeps_order());
    }
    let set = bench.send(0, &format!("set {} 1", keys[1]));
    assert_eq!(bench.heard(set), "+OK ");
    let both = bench.send(1, &format!("mget {} {}", keys[0], keys[1]));
    assert!(!bench.workers[0].keeps_order(), "worker 1 holds its shard");
    assert!(!bench.workers[1].keeps_order(), "worker 1 holds its shard");
    assert_eq!(bench.heard(both), "*2 $-1 $1 1 ");
    for worker in [0, 1] {
        assert!(bench.workers[worker].keeps_order());
    }
    let _third = bench.store.session();
    assert!(!bench.workers[0].keeps_order() && !bench.workers[0].may_keep_order());
}

/// What was taken in between two turns is answered though nothing else comes: its worker does not sleep over it.
#[test]
#[cfg_attr(broken_order, ignore = "nothing is taken in")]
fn who_took_something_in_does_not_sleep_before_it_is_answered() {
    let Some((mut bench, keys)) = two() else {
        return;
    };
    let set = bench.send(0, &format!("set {} 1", keys[1]));
    assert!(bench.workers[0].keeps_order(), "it is published");
    bench.workers[1].catch_up();
    assert!(!bench.workers[1].doze(|| false), "it owes an answer");
    assert_eq!(bench.heard(set), "+OK ");
    assert!(bench.workers[1].doze(|| false));
    bench.workers[1].rouse();
}
