//! Ops that wait for a key: whom they wait for, in what order they are served, and that they are served
//! once.

use super::tagged::Bench;

const SHARDS: [usize; 3] = [1, 2, 5];

#[test]
fn who_waits_is_served_in_the_order_of_coming() {
    for shards in SHARDS {
        let mut bench = Bench::new(shards);
        let first = bench.send(0, "blpop a 0");
        bench.settle();
        let second = bench.send(1, "blpop a 2");
        assert_eq!(bench.heard(first), "parked None");
        assert_eq!(bench.heard(second), "parked Some(3000)");
        assert_eq!(bench.run(0, "rpush a x"), ":1 ");
        assert_eq!(bench.heard(first), "*2 $1 a $1 x ");
        assert_eq!(bench.heard(second), "", "there was one for one");
        assert_eq!(bench.run(0, "llen a"), ":0 ");
        // One push serves as many as it brings, and leaves what is left.
        let third = bench.send(0, "brpop a 0");
        bench.settle();
        assert_eq!(bench.run(1, "rpush a 1 2 3"), ":3 ");
        assert_eq!(bench.heard(second), "*2 $1 a $1 1 ");
        assert_eq!(bench.heard(third), "parked None, *2 $1 a $1 3 ");
        assert_eq!(bench.run(1, "lrange a 0 -1"), "*1 $1 2 ");
        assert!(bench.workers.iter().all(|worker| worker.outstanding() == 0));
    }
}

#[test]
fn who_waits_for_several_keys_is_served_once() {
    for shards in SHARDS {
        for pushed in ["a", "b", "c", "d"] {
            let mut bench = Bench::new(shards);
            let waiting = bench.send(0, "blpop a b c d 0");
            assert_eq!(bench.heard(waiting), "parked None");
            assert_eq!(bench.run(1, &format!("lpush {pushed} x")), ":1 ");
            assert_eq!(bench.heard(waiting), format!("*2 $1 {pushed} $1 x "));
            for key in ["a", "b", "c", "d"] {
                assert_eq!(bench.run(1, &format!("rpush {key} y")), ":1 ");
            }
            assert_eq!(bench.heard(waiting), "");
            assert!(bench.workers.iter().all(|worker| worker.outstanding() == 0));
            // What is there is taken at once, by the order of the keys.
            assert_eq!(bench.run(0, "blpop x d c 0"), "*2 $1 d $1 y ");
            assert_eq!(
                bench.run(0, "blmpop 0 3 x c d left count 5"),
                "*2 $1 c *1 $1 y "
            );
            assert_eq!(bench.run(0, "lmpop 3 x b d left"), "*2 $1 b *1 $1 y ");
        }
    }
}

#[test]
fn whatever_makes_a_list_serves_who_waits_for_it() {
    let makers = [
        "rename other a",
        "copy other a",
        "lmove other a left left",
        "rpoplpush other a",
        "renamenx other a",
    ];
    for shards in SHARDS {
        for maker in makers {
            let mut bench = Bench::new(shards);
            bench.run(0, "rpush other 1");
            let waiting = bench.send(0, "blpop q a 0");
            assert_eq!(bench.heard(waiting), "parked None");
            let made = bench.run(1, maker);
            assert!(!made.starts_with('-'), "{maker}: {made}");
            assert_eq!(bench.heard(waiting), "*2 $1 a $1 1 ", "{maker}");
            assert_eq!(bench.run(0, "exists a"), ":0 ");
        }
    }
}

#[test]
fn a_transaction_serves_after_its_end() {
    for shards in SHARDS {
        let mut bench = Bench::new(shards);
        let waiting = bench.send(0, "blpop a b 0");
        bench.settle();
        // Redis: who waits gets what is there when the transaction is over, by the key that changed first.
        let reply = bench.transact(1, &["rpush b 1", "rpush a 2", "del b", "blpop z 0"], None);
        assert_eq!(reply, "*4 :1 :1 :1 *-1 ");
        assert_eq!(bench.heard(waiting), "parked None, *2 $1 a $1 2 ");
    }
}

#[test]
fn another_kind_of_value_wakes_nobody() {
    for shards in SHARDS {
        let mut bench = Bench::new(shards);
        let waiting = bench.send(0, "blpop a b 0");
        bench.settle();
        assert_eq!(bench.run(1, "set a 1"), "+OK ");
        assert_eq!(bench.heard(waiting), "parked None");
        assert_eq!(bench.run(1, "del a"), ":1 ");
        assert_eq!(bench.run(1, "rpush a 1"), ":1 ");
        assert_eq!(bench.heard(waiting), "*2 $1 a $1 1 ");
        bench.run(1, "set a 1");
        assert!(bench.run(0, "blpop a b 0").starts_with("-WRONGTYPE"));
        assert!(bench.run(0, "blpop b a 0").starts_with("-WRONGTYPE"));
    }
}

#[test]
fn who_gives_up_takes_nothing() {
    for shards in SHARDS {
        for words in ["blpop a 0", "blpop a b c 0", "blmove a b left right 0"] {
            let mut bench = Bench::new(shards);
            let waiting = bench.send(0, words);
            assert_eq!(bench.heard(waiting), "parked None");
            bench.workers[waiting.0].cancel(waiting.1);
            assert_eq!(bench.heard(waiting), "cancelled");
            assert_eq!(bench.run(1, "rpush a 1"), ":1 ");
            assert_eq!(bench.run(1, "llen a"), ":1 ");
            assert!(bench.workers.iter().all(|worker| worker.outstanding() == 0));
            // Giving up what was answered, or was never asked, is nothing.
            bench.workers[waiting.0].cancel(waiting.1);
            bench.workers[0].cancel(12_345);
            assert_eq!(bench.heard(waiting), "");
            // Giving up before it is known to wait.
            let waiting = bench.send(0, "blpop none 0");
            bench.workers[waiting.0].cancel(waiting.1);
            assert_eq!(bench.heard(waiting), "parked None, cancelled");
        }
    }
}

#[test]
fn an_element_moves_on_to_who_waits_elsewhere() {
    for shards in SHARDS {
        let mut bench = Bench::new(shards);
        let last = bench.send(1, "blpop c 0");
        let second = bench.send(1, "blmove b c left right 0");
        let first = bench.send(0, "blmove a b left right 0");
        assert_eq!(bench.heard(first), "parked None");
        assert_eq!(bench.run(1, "rpush a x"), ":1 ");
        assert_eq!(bench.heard(first), "$1 x ");
        assert_eq!(bench.heard(second), "parked None, $1 x ");
        assert_eq!(bench.heard(last), "parked None, *2 $1 c $1 x ");
        assert_eq!(bench.run(0, "exists a b c"), ":0 ");
        assert!(bench.workers.iter().all(|worker| worker.outstanding() == 0));
        // A destination of another kind ends the wait, and the element stays.
        bench.run(0, "set b 1");
        let waiting = bench.send(0, "blmove a b left right 0");
        bench.settle();
        bench.run(1, "rpush a y");
        let heard = bench.heard(waiting);
        assert!(heard.starts_with("parked None, -WRONGTYPE"), "{heard}");
        assert_eq!(bench.run(1, "lrange a 0 -1"), "*1 $1 y ");
    }
}

#[test]
fn another_database_is_another_key() {
    use crate::store::tests::op;
    let mut bench = Bench::new(2);
    bench.workers[0].send(1_000, op("blpop a 0").within(3));
    bench.settle();
    bench.run(0, "rpush a 1");
    assert_eq!(bench.heard((0, 1_000)), "parked None");
    bench.workers[0].send(1_001, op("rpush a 2").within(3));
    assert_eq!(bench.heard((0, 1_000)), "*2 $1 a $1 2 ");
    // What a swap of databases brings wakes as well.
    bench.workers[0].send(1_002, op("blpop a 0").within(4));
    bench.settle();
    bench.run(1, "swapdb 0 4");
    assert_eq!(bench.heard((0, 1_002)), "parked None, *2 $1 a $1 1 ");
}

/// A list goes to a list of another shard: who waits for that is tried again by who coordinates it, and keeps
/// its place meanwhile.
#[test]
fn who_moves_to_another_shard_keeps_its_place() {
    for shards in SHARDS {
        for target in ["b", "c", "d", "e"] {
            let mut bench = Bench::new(shards);
            let first = bench.send(0, &format!("blmove a {target} left left 0"));
            bench.settle();
            let second = bench.send(1, "blpop a 0");
            bench.settle();
            let third = bench.send(0, "brpop q a 0");
            bench.settle();
            assert_eq!(bench.run(1, "rpush a 1"), ":1 ");
            assert_eq!(bench.heard(first), "parked None, $1 1 ");
            assert_eq!(bench.heard(second), "parked None");
            assert_eq!(bench.run(0, "rpush a 2 3 4"), ":3 ");
            assert_eq!(bench.heard(second), "*2 $1 a $1 2 ");
            assert_eq!(bench.heard(third), "parked None, *2 $1 a $1 4 ");
            assert_eq!(bench.run(1, "lrange a 0 -1"), "*1 $1 3 ");
            assert_eq!(bench.run(1, &format!("lrange {target} 0 -1")), "*1 $1 1 ");
        }
    }
}

/// Whoever moves elements between shards may give up at any moment, also when it was promised one:
/// those behind it are served all the same.
#[test]
fn who_gives_up_a_promise_holds_up_nobody() {
    for shards in [2, 5] {
        for turns in 0..16 {
            let mut bench = Bench::new(shards);
            let moving = bench.send(0, "blmove a b left right 0");
            assert_eq!(bench.heard(moving), "parked None");
            let behind = bench.send(1, "blpop a 0");
            assert_eq!(bench.heard(behind), "parked None");
            bench.send(1, "rpush a x");
            for turn in 0..turns {
                let at = turn % bench.workers.len();
                bench.workers[at].turn(bench.now);
            }
            let (worker, tag) = moving;
            bench.workers[worker].cancel(tag);
            bench.settle();
            bench.run(0, "rpush a y");
            assert!(
                bench.heard(behind).starts_with("*2 $1 a "),
                "{shards} shards, given up after {turns} turns"
            );
        }
    }
}

/// What a waiter writes when it is tried again nobody has sent: the store knows of it from the push on.
#[test]
fn who_is_tried_again_is_counted() {
    for shards in [2, 5] {
        let mut bench = Bench::new(shards);
        let (moving, next) = (
            bench.send(0, "blmove a b left right 0"),
            bench.send(1, "blmove b d left right 0"),
        );
        assert_eq!(bench.heard(moving), "parked None");
        assert_eq!(bench.heard(next), "parked None");
        let store = bench.store.clone();
        assert_eq!(store.retries(), 0);
        let pushed = bench.send(1, "rpush a x");
        let mut seen = false;
        for turn in 0..40 {
            let at = turn % bench.workers.len();
            bench.workers[at].turn(bench.now);
            let is_written = |list: &str, bench: &mut Bench| bench.run(0, list) == ":1 ";
            if store.retries() == 0 && seen {
                assert!(is_written("llen d", &mut bench), "{shards} shards");
                break;
            }
            seen |= store.retries() > 0;
        }
        assert!(seen);
        assert_eq!(bench.heard(pushed), ":1 ");
        assert_eq!(bench.heard(moving), "$1 x ");
        assert_eq!(bench.heard(next), "$1 x ");
        assert_eq!(store.retries(), 0);
    }
}
