//! Requests of Memcached's clients, drawn at random, and how their answers are compared.

use rand::{Rng, RngExt};

/// Without what may differ.
pub fn comparable(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer).into_owned();
    let line = |line: &str| {
        let words: Vec<String> = (line.split(' ').enumerate())
            .filter(|(_, word)| !["W", "Z"].contains(word))
            .map(|(i, word)| {
                let number =
                    |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let is_cas = word.strip_prefix('c').is_some_and(number)
                    || i == 4 && line.starts_with("VALUE ") && number(word);
                let left = word
                    .strip_prefix('t')
                    .and_then(|left| left.parse::<u64>().ok());
                if let Some(left) = left {
                    // A second may have gone by for one of them.
                    format!("t~{}", (left + 5) / 10)
                } else if is_cas {
                    "c#".to_owned()
                } else {
                    word.to_owned()
                }
            })
            .collect();
        words.join(" ")
    };
    text.split("\r\n").map(line).collect::<Vec<_>>().join("|")
}

/// One of these.
pub fn pick<'a>(random: &mut impl Rng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

/// Letters of meta commands, right ones and wrong ones.
fn letters(random: &mut impl Rng) -> String {
    let all = [
        "v",
        "f",
        "s",
        "k",
        "O1",
        "q",
        "t",
        "T100",
        "N50",
        "MS",
        "MI",
        "ME",
        "MA",
        "Mx",
        "MXY",
        "D5",
        "J13",
        "Dx",
        "Jx",
        "F3",
        "Fx",
        "C0",
        "Cx",
        "C18446744073709551615",
        "Tx",
        "Nx",
        "P1",
        "Lx",
        "v",
        "?",
        "k",
        "b",
    ];
    let count = random.random_range(0..5);
    let chosen: Vec<&str> = (0..count).map(|_| pick(random, &all)).collect();
    chosen.join(" ")
}

/// A request, right or wrong.
pub fn request(random: &mut impl Rng) -> String {
    let key = pick(random, &["a", "b", "c", "d"]);
    let value = pick(
        random,
        &["", "x", "hello", "7", "9223372036854775807", "12345"],
    );
    let len = value.len();
    let time = pick(random, &["0", "0", "1000", "-1", "99999"]);
    let noreply = pick(random, &["", "", "", " noreply"]);
    let flags = pick(random, &["0", "5", "4294967295", "x", "-1"]);
    match random.random_range(0..26) {
        22 => {
            let name = pick(random, &["mg", "md", "ma"]);
            let mut letters = letters(random);
            if name == "ma" {
                // Memcached forgets the time of a number that grows.
                letters = letters.replace("N50", "P1").replace("T100", "L1");
            }
            format!("{name} {key} {letters}\r\n")
        }
        23 => {
            // Later versions tell the length, and create what is added to.
            let letters = letters(random).replace('s', "k").replace("N50", "P1");
            format!("ms {key} {len} {letters}\r\n{value}\r\n")
        }
        24 => {
            let line = pick(
                random,
                &[
                    "delete K 10",
                    "delete K 0",
                    "delete K 0 0",
                    "incr K",
                    "decr K -1",
                    "touch K",
                    "touch K x",
                    "incr K 99999999999999999999",
                    "set K 0 0 -1",
                    "set K 0 0 x",
                    "set K x 0 1",
                    "set K 0 x 1",
                    "cas K 0 0 1 x",
                    "cas K 0 0 1",
                    "verbosity x",
                    "verbosity",
                    "flush_all x",
                    "flush_all x 1 2",
                    "me",
                    "gat x K",
                    "gat 10",
                    "gats",
                    "slabs automove x",
                    "slabs",
                    "lru_crawler",
                    "lru_crawler sleep x",
                    "cache_memlimit x",
                    "cache_memlimit 1",
                    "cache_memlimit",
                    "shutdown",
                    "bget K",
                ],
            );
            format!("{}{noreply}\r\n", line.replace('K', key))
        }
        25 => {
            let name = pick(random, &["set", "add", "append"]);
            // A wrong length: what is left over is read as requests.
            format!("{name} {key} 0 0 3{noreply}\r\nab\r\nmn\r\n")
        }
        0..=3 => {
            let name = pick(random, &["set", "add", "replace", "append", "prepend"]);
            let flags = pick(random, &["0", "5", "4294967295"]);
            format!("{name} {key} {flags} {time} {len}{noreply}\r\n{value}\r\n")
        }
        4 => format!("cas {key} 0 {time} {len} 18446744073709551615{noreply}\r\n{value}\r\n"),
        5 => format!("get {key} {} nobody {key}\r\n", pick(random, &["a", "b"])),
        6 => format!("gets {key}\r\n"),
        7 => format!("{} {time} {key} a\r\n", pick(random, &["gat", "gats"])),
        8 => format!("delete {key}{noreply}\r\n"),
        9 => format!(
            "incr {key} {}\r\n",
            pick(random, &["1", "100", "0", "x", "-1"])
        ),
        10 => format!(
            "decr {key} {}\r\nset {key} 0 0 1\r\n3\r\n",
            pick(random, &["1", "100"])
        ),
        11 => format!("touch {key} {time}{noreply}\r\n"),
        12..=14 => {
            let mut letters = vec![
                "v", "f", "s", "k", "Oabc", "q", "t", "c", "R10", "N50", "T500",
            ];
            letters.retain(|_| random.random_bool(0.4));
            format!("mg {key} {}\r\n", letters.join(" "))
        }
        15..=17 => {
            let mut letters = vec!["c", "k", "O1", "q", "F7", "T100"];
            letters.retain(|_| random.random_bool(0.3));
            letters.push(pick(random, &["MS", "ME", "MA", "MP", "MR", "Mx", "Mset"]));
            format!("ms {key} {len} {}\r\n{value}\r\n", letters.join(" "))
        }
        18 => {
            let mut letters = vec!["k", "O1", "q"];
            letters.retain(|_| random.random_bool(0.4));
            format!("md {key} {}\r\n", letters.join(" "))
        }
        19 => {
            let mut letters = vec!["v", "k", "O1", "q", "N0", "J13", "D5", "t"];
            letters.retain(|_| random.random_bool(0.4));
            if !letters.contains(&"J13") {
                letters.retain(|letter| *letter != "N0");
            }
            format!("ma {key} {}\r\n", letters.join(" "))
        }
        20 => pick(
            random,
            &[
                "bogus\r\n",
                "get\r\n",
                "set a\r\n",
                "mg\r\n",
                "me nobody\r\n",
                "delete\r\n",
            ],
        )
        .to_owned(),
        _ => {
            // Well formed, and of no time that may be over by chance while this runs.
            let flags = if flags.parse::<u32>().is_ok() {
                flags
            } else {
                "1"
            };
            let time = if time == "-1" { "100" } else { time };
            format!("set {key} {flags} {time} {len}\r\n{value}\r\n")
        }
    }
}
