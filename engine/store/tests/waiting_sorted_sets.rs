//! Commands that wait, in one shard: they park without a trace, and are served when a key is ready.

use seawall_store::{Effects, Millis, Op, Out, Shard, ShardConfig};

fn op(words: &str) -> Op {
    Op::parse(words.split(' ').map(str::as_bytes)).expect(words)
}

/// The reply and the effects, in words.
fn told(out: &Out) -> (String, Vec<String>) {
    let effects = Effects::decode(out.effects.as_bytes())
        .map(|effect| format!("{:?}", effect.expect("effects decode")));
    let reply = out.reply.as_bytes().escape_ascii().to_string();
    (reply, effects.collect())
}

#[test]
fn a_waiting_pop_of_a_sorted_set_is_served() {
    for (waits, reply, effect) in [
        (
            "bzpopmin none z 1.5",
            r"*3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n",
            "ZPOPMIN z 1",
        ),
        (
            "bzpopmax none z 1.5",
            r"*3\r\n$1\r\nz\r\n$1\r\nb\r\n$1\r\n2\r\n",
            "ZPOPMAX z 1",
        ),
        (
            "bzmpop 1.5 2 none z min count 9",
            r"*2\r\n$1\r\nz\r\n*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n",
            "ZPOPMIN z 2",
        ),
    ] {
        let mut shard = Shard::new(&ShardConfig::default());
        let mut out = Out::default();
        let waiting = op(waits);
        shard.apply(Millis(1000), &waiting, &mut out);
        let parked = out.parked.expect(waits);
        assert_eq!(parked.until, Some(Millis(2500)), "{waits}");
        assert_eq!(told(&out), (String::new(), Vec::new()), "{waits}");

        // A key of another kind makes nobody ready, and is no error either.
        shard.apply(Millis(1001), &op("set none text"), &mut out);
        out.clear();
        shard.serve(Millis(1002), &waiting, b"none", &mut out);
        assert!(out.parked.is_some(), "{waits}");
        assert_eq!(told(&out), (String::new(), Vec::new()), "{waits}");

        shard.apply(Millis(1003), &op("zadd z 1 a 2 b"), &mut out);
        out.clear();
        shard.serve(Millis(1004), &waiting, b"z", &mut out);
        assert!(out.parked.is_none(), "{waits}");
        assert_eq!(told(&out), (reply.into(), vec![effect.into()]), "{waits}");
    }
}

#[test]
fn a_transaction_does_not_wait() {
    for waits in ["bzpopmin z 0", "bzpopmax z 0", "bzmpop 0 1 z min"] {
        let mut shard = Shard::new(&ShardConfig::default());
        let mut out = Out::default();
        shard.apply_at_once(Millis(1000), &op(waits), &mut out);
        assert!(out.parked.is_none(), "{waits}");
        assert_eq!(told(&out), (r"*-1\r\n".into(), Vec::new()), "{waits}");
    }
}
