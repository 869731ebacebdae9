//! What the model takes and what it refuses, by stories told by hand.

use seawall_store::Reply;

use crate::model::{Asked, Loss, Operation, is_linearizable};

/// An operation between two times; several commands with a `;` between are a transaction.
fn operation(begun: u64, ended: u64, asked: &str, reply: &str) -> Operation {
    let commands: Vec<String> = asked.split(';').map(str::to_owned).collect();
    let bytes = reply.replace(' ', "\r\n") + "\r\n";
    let (reply, _) = Reply::parse(bytes.as_bytes()).expect("a reply");
    Operation {
        asked: match &commands[..] {
            [one] => Asked::One(one.clone()),
            _ => Asked::Multi {
                watched: None,
                commands,
            },
        },
        begun,
        ended,
        reply: Some(reply),
        loss: Loss::Told,
    }
}

#[test]
fn what_is_answered_so_is_taken() {
    let story = [
        operation(0, 1, "mset a 1 b 2", "+OK"),
        operation(2, 3, "incr a;rename a c", "*2 :2 +OK"),
        operation(4, 5, "mget a b c", "*3 $-1 $1 2 $1 2"),
        operation(6, 7, "rpush l x", ":1"),
        operation(8, 9, "get l", "-WRONGTYPE"),
        operation(10, 11, "blpop k l 0", "*2 $1 l $1 x"),
        operation(12, 13, "getset b 5", "$1 2"),
        operation(14, 15, "del b c b l", ":2"),
    ];
    assert!(is_linearizable(&story));
}

#[test]
fn half_of_a_command_is_refused() {
    let half = [
        operation(0, 9, "mset a 1 b 1", "+OK"),
        operation(1, 2, "get a", "$1 1"),
        operation(3, 4, "get b", "$-1"),
    ];
    assert!(!is_linearizable(&half));
    let mut whole = half;
    whole[2] = operation(3, 4, "get b", "$1 1");
    assert!(is_linearizable(&whole));
}

#[test]
fn half_of_a_transaction_is_refused() {
    let lost = [
        operation(0, 5, "incr a;incr b", "*2 :1 :1"),
        operation(0, 5, "incr b;incr a", "*2 :1 :2"),
    ];
    assert!(!is_linearizable(&lost));
    let between = [
        operation(0, 1, "set a 1", "+OK"),
        operation(2, 9, "rename a b", "+OK"),
        operation(3, 4, "mget a b", "*2 $-1 $-1"),
    ];
    assert!(!is_linearizable(&between));
}

#[test]
fn what_is_read_after_it_was_overwritten_is_refused() {
    let stale = [
        operation(0, 1, "set a 1", "+OK"),
        operation(2, 3, "set a 2", "+OK"),
        operation(4, 5, "get a", "$1 1"),
    ];
    assert!(!is_linearizable(&stale));
}

#[test]
fn one_element_serves_one() {
    let twice = [
        operation(0, 9, "rpush a 1", ":1"),
        operation(0, 9, "blpop a 0", "*2 $1 a $1 1"),
        operation(0, 9, "blpop a 0", "*2 $1 a $1 1"),
    ];
    assert!(!is_linearizable(&twice));
    let mut once = twice;
    once[2].reply = None;
    assert!(is_linearizable(&once));
}

#[test]
fn keys_go_only_where_they_may() {
    let mut gone = [
        operation(0, 1, "set a 1 px 10", "+OK"),
        operation(4, 5, "get a", "$-1"),
    ];
    assert!(!is_linearizable(&gone), "nothing told of its end");
    gone[1].loss = Loss::Expiry;
    assert!(is_linearizable(&gone));
    gone[0] = operation(0, 1, "set a 1", "+OK");
    assert!(!is_linearizable(&gone), "it does not expire");
    gone[1].loss = Loss::Told;
    let mut told = gone.to_vec();
    told.push(operation(2, 3, "get b", "$-1"));
    told[2].asked = Asked::Lost("a".to_owned());
    assert!(is_linearizable(&told));
    // What is gone does not come back.
    gone[1].loss = Loss::Eviction;
    let mut back = gone.to_vec();
    back.push(operation(6, 7, "get a", "$1 1"));
    assert!(!is_linearizable(&back));
}

#[test]
fn a_watched_key_that_changed_is_refused() {
    let watched = |seen: &str| {
        let mut exec = operation(4, 5, "incr a;get a", "*2 :3 $1 3");
        if let Asked::Multi { watched, .. } = &mut exec.asked {
            *watched = Some(("a".to_owned(), Reply::Bulk(seen.as_bytes().to_vec())));
        }
        [
            operation(0, 1, "set a 1", "+OK"),
            operation(2, 3, "incr a", ":2"),
            exec,
        ]
    };
    assert!(is_linearizable(&watched("2")));
    assert!(!is_linearizable(&watched("1")));
}
