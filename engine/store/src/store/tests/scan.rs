//! Going over the keys of several shards in parts.

use std::collections::BTreeSet;

use super::{ReadPath, op, spawned, text};
use crate::reply::Reply;

/// The cursor and the keys of a reply to `SCAN`.
fn parts(reply: Reply) -> (String, Vec<String>) {
    let text = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{other:?}"),
    };
    match reply {
        Reply::Array(parts) => match &parts[..] {
            [cursor, Reply::Array(keys)] => (text(cursor), keys.iter().map(text).collect()),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn few_keys_are_one_answer() {
    let (store, _workers) = spawned(7, ReadPath::AnyCore);
    let mut session = store.session();
    assert_eq!(
        session.execute(&op("scan 0")),
        Reply::Array(vec![text("0"), Reply::Array(vec![])])
    );
    assert!(session.execute(&op("mset a 1 b 2 c 3 d 4")).is_ok());
    let (cursor, keys) = parts(session.execute(&op("scan 0")));
    assert_eq!((cursor.as_str(), keys.len()), ("0", 4));
    let (cursor, keys) = parts(session.execute(&op("scan 0 match a type string")));
    assert_eq!((cursor.as_str(), &keys[..]), ("0", &["a".to_owned()][..]));
}

#[test]
fn many_keys_are_all_shown_in_bounded_parts() {
    let (store, _workers) = spawned(7, ReadPath::AnyCore);
    let mut session = store.session();
    for key in 0..1000 {
        assert!(session.execute(&op(&format!("set key:{key} x"))).is_ok());
    }
    for options in ["", " count 1", " count 37", " count 5000"] {
        let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
        for call in 0.. {
            let (next, keys) = parts(session.execute(&op(&format!("scan {cursor}{options}"))));
            assert!(call <= 1000, "it ends");
            // A call ends at the first shard that fills it.
            assert!(
                options == " count 5000" || keys.len() < 37 * 3,
                "{}",
                keys.len()
            );
            seen.extend(keys);
            if next == "0" {
                break;
            }
            cursor = next;
        }
        assert_eq!(seen.len(), 1000, "{options}");
    }
}
