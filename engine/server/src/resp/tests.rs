//! The parser against scripts, and against itself however the bytes are cut.

use proptest::prelude::*;

use super::{Bounds, Parsed, Parser};

const BOUNDS: Bounds = Bounds {
    bulk_bytes: 512 << 20,
    query_bytes: 1 << 30,
    stranger: false,
};

fn words<'a>(name: &[u8], args: impl Iterator<Item = &'a [u8]>) -> String {
    let args = args.map(|arg| format!(" {}", arg.escape_ascii()));
    format!("{}{}", name.escape_ascii(), args.collect::<String>())
}

fn show(parsed: &Parsed) -> String {
    match parsed {
        Parsed::Store(entry, op) => format!("store {}", words(entry.name().as_bytes(), op.args())),
        Parsed::Server(entry, args) => {
            format!("server {}", words(entry.name().as_bytes(), args.iter()))
        }
        Parsed::Unknown(name, args) => format!("unknown {}", words(name, args.iter())),
    }
}

/// What is understood of `pieces`, as a connection hands them in, and how it ended.
fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, bounds: Bounds) -> (Vec<String>, String) {
    let mut parser = Parser::default();
    let mut kept: Vec<u8> = Vec::new();
    let mut commands = Vec::new();
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            match parser.next(&kept, bounds) {
                Err(error) => return (commands, error.to_string()),
                Ok((used, parsed)) => {
                    kept.drain(..used);
                    match parsed {
                        Some(parsed) => commands.push(show(&parsed)),
                        None => break,
                    }
                }
            }
        }
    }
    (commands, String::new())
}

#[track_caller]
fn understands(bytes: &[u8], commands: &[&str]) {
    let (found, error) = parse([bytes], BOUNDS);
    assert_eq!(
        (found.as_slice(), error.as_str()),
        (commands.map_strings().as_slice(), "")
    );
}

#[track_caller]
fn refuses(bytes: &[u8], bounds: Bounds, words: &str) {
    let (found, error) = parse([bytes], bounds);
    assert_eq!(
        (found.len(), error.as_str()),
        (0, words),
        "{}",
        bytes.escape_ascii()
    );
}

trait Strings {
    fn map_strings(&self) -> Vec<String>;
}

impl Strings for [&str] {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn understands_arrays_and_lines() {
    understands(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", &["store get a"]);
    understands(b"get a\r\nGET 'b c'\n", &["store get a", "store get b c"]);
    understands(
        b"*1\r\n$4\r\nPING\r\nping x\r\n*2\r\n$2\r\nno\r\n$0\r\n\r\n",
        &["server ping", "server ping x", "unknown no "],
    );
    understands(
        b"\r\n\n  \r\n*0\r\n*-1\r\n*-7\r\nping\r\n",
        &["server ping"],
    );
    // The line's end after a word is skipped whatever it is.
    understands(b"*2\r\n$3\r\nGETxx$1\r\nayy", &["store get a"]);
    understands(b"*1\r\n$0\r\n\r\n", &["unknown "]);
}

#[test]
fn waits_for_what_is_not_whole() {
    for half in [
        "*",
        "*2",
        "*2\r",
        "*1\r\n",
        "*1\r\n$4\r\nPI",
        "get",
        "*1\r\n$4\r\nPING\r",
    ] {
        understands(half.as_bytes(), &[]);
    }
}

#[test]
fn refuses_in_redis_words() {
    for line in [
        "*2147483648",
        "*x",
        "*",
        "*1 ",
        "*+1",
        "*99999999999999999999",
    ] {
        let line = format!("{line}\r\n");
        refuses(line.as_bytes(), BOUNDS, "invalid multibulk length");
    }
    for line in ["$-1", "$x", "$", "$536870913", "$9223372036854775807"] {
        let line = format!("*1\r\n{line}\r\n");
        refuses(line.as_bytes(), BOUNDS, "invalid bulk length");
    }
    refuses(b"*1\r\nping\r\n", BOUNDS, "expected '$', got 'p'");
    refuses(b"get \"a\r\n", BOUNDS, "unbalanced quotes in request");
    let endless = [b"x".repeat(70_000), b"*".repeat(70_000)];
    refuses(&endless[0], BOUNDS, "too big inline request");
    refuses(&endless[1], BOUNDS, "too big mbulk count string");
    let bulk = [b"*1\r\n".as_slice(), &b"$".repeat(70_000)].concat();
    refuses(&bulk, BOUNDS, "too big bulk count string");
}

#[test]
fn holds_clients_to_their_bounds() {
    let stranger = Bounds {
        stranger: true,
        ..BOUNDS
    };
    refuses(b"*11\r\n", stranger, "unauthenticated multibulk length");
    refuses(b"*1\r\n$16385\r\n", stranger, "unauthenticated bulk length");
    let small = Bounds {
        query_bytes: 100,
        ..BOUNDS
    };
    let command = b"*3\r\n$3\r\nGET\r\n$60\r\n".to_vec();
    let command = [command.as_slice(), &b"a".repeat(60), b"\r\n$60\r\n"].concat();
    refuses(&command, small, "query buffer limit reached");
}

#[test]
fn a_declared_length_takes_no_memory() {
    let mut parser = Parser::default();
    let (used, parsed) = parser
        .next(b"*2147483647\r\n$536870912\r\nab", BOUNDS)
        .unwrap();
    assert!(used == 27 && parsed.is_none());
}

/// Bytes that clients might send: whole commands, and everything that is nearly one.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(b"get".to_vec()),
        Just(b"SET".to_vec()),
        Just(b"ping".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    let command = prop::collection::vec(word, 0..4).prop_map(|words| {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend(format!("${}\r\n", word.len()).into_bytes());
            bytes.extend(word);
            bytes.extend(b"\r\n");
        }
        bytes
    });
    let line = "(get|set|ping|\"a b\"|'c'| |\\*1|\\$4|\\*|x){0,6}\r?\n";
    let part = prop_oneof![
        8 => command,
        3 => line.prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_commands(
        bytes in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = parse([bytes.as_slice()], BOUNDS);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(&parse(pieces, BOUNDS), &whole);
        prop_assert_eq!(&parse(bytes.chunks(1), BOUNDS), &whole);
    }
}
