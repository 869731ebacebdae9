//! What Memcached's clients send and hear, over a shard and without a network.

use proptest::prelude::*;
use seawall_store::{Millis, Out, Shard, ShardConfig};

use super::{Parser, Request, TOO_LARGE};

const ITEM_BYTES_MAX: usize = 1 << 20;

/// A server of one shard.
struct Peer {
    shard: Shard,
    parser: Parser,
    input: Vec<u8>,
    now: Millis,
}

impl Peer {
    fn new() -> Peer {
        Peer {
            shard: Shard::new(&ShardConfig::default()),
            parser: Parser::default(),
            input: Vec::new(),
            now: Millis(1_700_000_000_000),
        }
    }

    /// What is answered to `bytes`; `!` where the client would be disconnected.
    fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.input.extend_from_slice(bytes);
        let mut out = Out::default();
        loop {
            let input = std::mem::take(&mut self.input);
            let (used, request) = self.parser.next(&input, ITEM_BYTES_MAX);
            self.input = input[used..].to_vec();
            let before = out.reply.len();
            match request {
                None if used == 0 => break,
                None | Some(Request::Nothing) => {}
                Some(Request::Op { op, quiet }) => {
                    self.shard.apply(self.now, &op, &mut out);
                    if quiet {
                        out.reply.truncate(before);
                    }
                }
                Some(Request::TooLarge { stale, quiet, .. }) => {
                    if let Some(op) = stale {
                        self.shard.apply(self.now, &op, &mut out);
                        out.reply.truncate(before);
                    }
                    if !quiet {
                        out.reply.encoded(TOO_LARGE);
                    }
                }
                Some(Request::Reply(line)) => out.reply.encoded(line),
                Some(Request::Refused(line)) => {
                    out.reply.encoded(line);
                    out.reply.encoded(b"!");
                    break;
                }
                Some(other) => out.reply.encoded(format!("{other:?}\r\n").as_bytes()),
            }
        }
        out.reply.as_bytes().to_vec()
    }

    /// As [`Peer::send`] of lines, whose ends may be written `|`.
    fn say(&mut self, text: &str) -> String {
        let bytes = format!("{text}|").replace('|', "\r\n");
        String::from_utf8_lossy(&self.send(bytes.as_bytes())).replace("\r\n", "|")
    }
}

/// Requests and their answers as memcached 1.6.18 gives them; `|` ends a line.
const SCRIPT: &[(&str, &str)] = &[
    ("ms a 2 T0 F5|hi", "HD|"),
    ("mg a v f s t k O7", "VA 2 f5 s2 t-1 ka O7|hi|"),
    ("mg a h l t", "HD h1 l0 t-1|"),
    ("mg a", "HD|"),
    ("mg nope", "EN|"),
    ("mg nope q", ""),
    ("mg a q s", "HD s2|"),
    ("mn", "MN|"),
    ("md a I", "HD|"),
    ("mg a v", "VA 2 X W|hi|"),
    ("mg a v", "VA 2 Z X|hi|"),
    ("ms a 2 T100|yo", "HD|"),
    ("mg a R200 t", "HD t100 W|"),
    ("mg a R200 t", "HD t100 Z|"),
    ("mg viv N30 t v", "VA 0 t30 W||"),
    ("mg viv N30 t v", "VA 0 t30 Z||"),
    ("me nope", "EN|"),
    ("me", "CLIENT_ERROR bad command line format|"),
    ("md nope k O1", "NF knope O1|"),
    ("md a q", ""),
    ("md a", "NF|"),
    ("ms q1 2 q|ab", ""),
    ("ms q1 2 q MA|ab", ""),
    ("mg q1 v", "VA 4|abab|"),
    ("ms q1 2 ME q|zz", "NS|"),
    ("ms none 2 MR|zz", "NS|"),
    ("ms none 2 MA|zz", "NS|"),
    ("ms none 2 MA N60|zz", "HD|"),
    ("mg none v t", "VA 2 t60|zz|"),
    ("ms q1 2 C1|zz", "EX|"),
    ("ms nope2 2 C1|zz", "NF|"),
    ("ms q1 2 E77|zz", "HD|"),
    ("mg q1 c v", "VA 2 c77|zz|"),
    ("ms q1 2 C77 k O9|yy", "HD kq1 O9|"),
    ("ms cTE= 2 k O9 b|zz", "HD kcTE= b O9|"),
    ("mg cTE= b k v", "VA 2 kcTE= b|zz|"),
    ("mg q1 b", "CLIENT_ERROR error decoding key|"),
    ("ms q1 2 XX|zz", "CLIENT_ERROR invalid flag|"),
    ("ms q1 abc", "CLIENT_ERROR bad command line format|"),
    ("mg q1 !", "CLIENT_ERROR invalid flag|"),
    ("mg", "ERROR|"),
    ("mg q1 v v", "CLIENT_ERROR duplicate flag|"),
    (
        "mg q1 Oabcdefghijklmnopqrstuvwxyz0123456789",
        "CLIENT_ERROR opaque token too long|",
    ),
    ("ma n", "NF|"),
    ("ma n N0 J13 v", "VA 2|13|"),
    ("ma n v", "VA 2|14|"),
    ("ma n D5 v t", "VA 2 t-1|19|"),
    ("ma n MD v", "VA 2|18|"),
    ("ma n MD D100 v", "VA 1|0|"),
    ("ma n Mx", "CLIENT_ERROR invalid mode for ma M token|"),
    ("ma n T20 t v", "VA 1 t20|1|"),
    (
        "ma q1",
        "CLIENT_ERROR cannot increment or decrement non-numeric value|",
    ),
    ("ma n C1 v", "EX|"),
    ("md q1 C1", "EX|"),
    ("md n T30 I", "HD|"),
    ("mg n t v f", "VA 1 t30 f0 X W|1|"),
    ("md n x", "HD|"),
    ("mg n v", "VA 0 Z X||"),
    ("bogus", "ERROR|"),
    ("", "ERROR|"),
    ("get", "ERROR|"),
    ("get a b", "END|"),
    ("set a 0 0", "ERROR|"),
    ("set a x 0 2", "CLIENT_ERROR bad command line format|"),
    ("set a 0 0 -1", "CLIENT_ERROR bad command line format|"),
    ("set a 4294967295 0 2|zz", "STORED|"),
    ("get a", "VALUE a 4294967295 2|zz|END|"),
    ("incr a x", "CLIENT_ERROR invalid numeric delta argument|"),
    (
        "incr a 1",
        "CLIENT_ERROR cannot increment or decrement non-numeric value|",
    ),
    ("delete a 0", "DELETED|"),
    (
        "delete a 1",
        "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]|",
    ),
    ("delete a", "NOT_FOUND|"),
    ("touch a 10", "NOT_FOUND|"),
    ("touch none 10", "TOUCHED|"),
    ("mg none t", "HD t10|"),
    ("touch none x", "CLIENT_ERROR invalid exptime argument|"),
    ("gat 10", "END|"),
    ("gat 70 none q2", "VALUE none 0 2|zz|END|"),
    ("mg none t", "HD t70|"),
    ("gat x none", "CLIENT_ERROR invalid exptime argument|"),
    ("cas none 0 0 2|zz", "ERROR|ERROR|"),
    ("cas none 0 0 2 1|yy", "EXISTS|"),
    ("cas nobody 0 0 2 1|yy", "NOT_FOUND|"),
    ("set x 0 0 20|18446744073709551615", "STORED|"),
    ("incr x 1", "0|"),
    ("decr x 1", "0|"),
    ("append x 5 10 1|9", "STORED|"),
    ("prepend x 5 10 1|7", "STORED|"),
    ("get x", "VALUE x 0 3|709|END|"),
    ("set x 1 0 1 noreply|1", ""),
    ("add x 1 0 1|2", "NOT_STORED|"),
    ("replace x 2 0 1|2", "STORED|"),
    ("replace nobody 2 0 1|2", "NOT_STORED|"),
    ("append nobody 2 0 1|2", "NOT_STORED|"),
    ("set gone 0 -1 1|2", "STORED|"),
    ("get gone x", "VALUE x 2 1|2|END|"),
    ("set x 0 0 2|zzz", "CLIENT_ERROR bad data chunk|ERROR|"),
    ("verbosity", "ERROR|"),
    ("verbosity 1", "OK|"),
    ("verbosity foo", "CLIENT_ERROR bad command line format|"),
    ("verbosity 1 2 3", "ERROR|"),
    ("cas none 0 0 2 x", "CLIENT_ERROR bad command line format|"),
    ("flush_all x", "CLIENT_ERROR invalid exptime argument|"),
    ("flush_all x noreply", ""),
    ("flush_all 0 noreply 1", "ERROR|"),
    // Who wants no answer gets none to what is wrong, either.
    ("delete none 10 noreply", ""),
    ("delete none 10", USAGE),
    ("set none 0 0 x noreply", ""),
    ("set none 0 0 2 noreply|zzz", "ERROR|"),
    ("incr none x noreply", ""),
    ("touch none x noreply", ""),
    ("verbosity noreply", ""),
    // Numbers as C's functions read them.
    ("set none 4294967301 0 +2|zz", "STORED|"),
    ("get none", "VALUE none 5 2|zz|END|"),
    ("touch none 0010", "TOUCHED|"),
    ("mg none t", "HD t10|"),
    (
        "set none 0 0 2147483646",
        "CLIENT_ERROR bad command line format|",
    ),
    (
        "set none 0 0 99999999999999999999",
        "CLIENT_ERROR bad command line format|",
    ),
    // Letters are read by every command alike, and the last that is wrong is told.
    ("mg none F7 MS D3 P L s", "HD s2|"),
    (
        "mg none C",
        "CLIENT_ERROR bad token in command line format|",
    ),
    ("mg none Fx", "CLIENT_ERROR bad command line format|"),
    (
        "mg none Fx Dy Jz",
        "CLIENT_ERROR invalid numeric initial value|",
    ),
    ("mg none Jz Dy ?", "CLIENT_ERROR invalid flag|"),
    ("md none Ix Ix", "CLIENT_ERROR invalid or duplicate flag|"),
    ("ma none Dx", "CLIENT_ERROR invalid or duplicate flag|"),
    ("md cTE b v v", "CLIENT_ERROR invalid or duplicate flag|"),
    (
        "ms none 2 MXY|zz",
        "CLIENT_ERROR incorrect length for M token|",
    ),
    (
        "ms none 2 Mx|zz",
        "CLIENT_ERROR invalid mode for ms M token|",
    ),
    ("ms !! 2 b|zz", "CLIENT_ERROR error decoding key|"),
    (
        "mg none O123456789a123456789b123456789cd",
        "HD O123456789a123456789b123456789cd|",
    ),
    (
        "mg none O123456789a123456789b123456789cde",
        "CLIENT_ERROR opaque token too long|",
    ),
    (
        "mg none 1 2 3 4 5 6 7 8 9 a b c d e f g h i",
        "CLIENT_ERROR options flags are too long|",
    ),
    (
        "ma none 1 2 3 4 5 6 7 8 9 a b c d e f g h i",
        "CLIENT_ERROR options flags too long|",
    ),
    ("ms", "ERROR|"),
    ("ms none", "CLIENT_ERROR bad command line format|"),
    (
        "me none x",
        "ME none exp=-10 la=0 cas=# fetch=yes cls=1 size=2|",
    ),
    ("mn 1 2 3", "MN|"),
    // A number to compare with means nothing to `add`, and what adds to a value needs one.
    ("ms none 2 ME C5|zz", "NS|"),
    ("ms nobody 2 MA C5|zz", "NS|"),
    ("ms none 2 MA C5|zz", "EX|"),
    ("ms nobody 2 MR C5|zz", "NF|"),
    // Reading that leaves no trace.
    ("ms quiet 2|zz", "HD|"),
    ("mg quiet h u", "HD h0|"),
    ("mg quiet h", "HD h0|"),
    ("mg quiet h u", "HD h1|"),
    // Of two times the later word counts.
    ("mg born1 N30 t T60 v", "VA 0 t30 W||"),
    ("mg born2 t N30 T60", "HD t-1 W|"),
    ("mg born2 t", "HD t60 Z|"),
    ("mg born3 T60 N30 t", "HD t30 W|"),
    // What is tuned.
    ("cache_memlimit", "ERROR|"),
    ("cache_memlimit x", "ERROR|"),
    (
        "cache_memlimit 7",
        "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m|",
    ),
    (
        "cache_memlimit 1000000001",
        "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes|",
    ),
    (
        "cache_memlimit 64",
        "MemoryLimit { bytes: 67108864, quiet: false }|",
    ),
    ("slabs automove x", "CLIENT_ERROR bad command line format|"),
    (
        "slabs reassign 1 2",
        "CLIENT_ERROR slab reassignment disabled|",
    ),
    (
        "lru_crawler metadump all",
        "CLIENT_ERROR lru crawler disabled|",
    ),
    (
        "lru_crawler sleep x",
        "CLIENT_ERROR bad command line format|",
    ),
    ("watch", "CLIENT_ERROR watch commands not allowed|"),
    ("shutdown", "ERROR: shutdown not enabled|"),
    ("bget none born1", "VALUE none 5 2|zz|VALUE born1 0 0||END|"),
    ("gat", "ERROR|"),
    ("GET / HTTP/1.0", "Quit|"),
];

const USAGE: &str = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]|";

/// What `me` tells without the item's number.
fn without_number(answer: &str) -> String {
    match answer.split_once(" cas=") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before} cas=#{after}")
        }
        None => answer.to_owned(),
    }
}

#[test]
fn answers_as_memcached_does() {
    let mut peer = Peer::new();
    for (asked, answer) in SCRIPT {
        assert_eq!(without_number(&peer.say(asked)), *answer, "to {asked:?}");
    }
}

#[test]
fn numbers_change_with_every_change() {
    let mut peer = Peer::new();
    peer.say("set a 0 0 1|1");
    let mut seen = std::collections::HashSet::new();
    for change in [
        "set a 0 0 1|1",
        "append a 0 0 1|1",
        "incr a 1",
        "md a I",
        "touch a 100",
    ] {
        peer.say(change);
        let told = peer.say("mg a c");
        let is_new = seen.insert(told.split_whitespace().nth(1).map(str::to_owned));
        assert_eq!(is_new, change != "touch a 100", "{change} gave {told}");
    }
}

#[test]
fn what_is_too_large_is_passed_over_and_leaves_nothing_older() {
    let mut peer = Peer::new();
    peer.say("set a 0 0 1|x");
    let len = ITEM_BYTES_MAX + 1;
    let large = |line: &str| format!("{line}\r\n{}\r\nmn\r\n", "x".repeat(len));
    let mut heard = Vec::new();
    for part in large(&format!("add a 0 0 {len}")).as_bytes().chunks(70_001) {
        heard.extend(peer.send(part));
        assert!(peer.input.len() < 70_100, "a refused block is not kept");
    }
    assert_eq!(heard, b"SERVER_ERROR object too large for cache\r\nMN\r\n");
    assert_eq!(peer.say("get a"), "VALUE a 0 1|x|END|");
    assert_eq!(
        peer.send(large(&format!("set a 0 0 {len} noreply")).as_bytes()),
        b"MN\r\n"
    );
    assert_eq!(peer.say("get a"), "END|");
    // Key, value and what memcached keeps beside them.
    let fitting = ITEM_BYTES_MAX - 59 - 1;
    for (len, answer) in [(fitting, "STORED|"), (fitting + 1, TOO_LARGE_TEXT)] {
        let told = peer.say(&format!("set a 0 0 {len}|{}", "x".repeat(len)));
        assert_eq!(told, answer, "{len} bytes");
    }
}

const TOO_LARGE_TEXT: &str = "SERVER_ERROR object too large for cache|";

#[test]
fn lines_are_bounded_unless_they_name_keys() {
    let mut peer = Peer::new();
    let key = "k".repeat(251);
    assert_eq!(
        peer.say(&format!("get a {key}")),
        "CLIENT_ERROR bad command line format|"
    );
    let endless = vec![b'x'; 3 << 10];
    assert_eq!(peer.send(&endless), b"CLIENT_ERROR line too long\r\n!");
    let mut peer = Peer::new();
    peer.say("set key:7 0 0 1|x");
    let keys: Vec<String> = (0..40_000).map(|i| format!("key:{i}")).collect();
    let line = format!("get {}\r\n", keys.join(" "));
    let mut heard = Vec::new();
    for part in line.as_bytes().chunks(1_000) {
        heard.extend(peer.send(part));
    }
    assert_eq!(heard, b"VALUE key:7 0 1\r\nx\r\nEND\r\n");
}

proptest! {
    /// However the bytes are cut, the same is answered.
    #[test]
    fn any_split_gives_the_same_answers(cuts in prop::collection::vec(0..4000_usize, 0..40)) {
        let asked: Vec<&str> = SCRIPT.iter().map(|(asked, _)| *asked).collect();
        let all = format!("{}|", asked.join("|")).replace('|', "\r\n");
        let whole = Peer::new().send(all.as_bytes());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at % all.len()).collect();
        cuts.sort_unstable();
        cuts.push(all.len());
        let (mut peer, mut from, mut heard) = (Peer::new(), 0, Vec::new());
        for to in cuts {
            heard.extend(peer.send(&all.as_bytes()[from..to]));
            from = to;
        }
        prop_assert_eq!(heard, whole);
    }

    /// Whatever comes, it ends: each call passes over something or waits for more.
    #[test]
    fn junk_is_answered_or_waited_for(junk in prop::collection::vec(any::<u8>(), 0..2000)) {
        Peer::new().send(&junk);
    }
}
