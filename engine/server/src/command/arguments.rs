//! The arguments of our commands as Redis 7.0 documents them: names, types and options, no prose.
//!
//! They are data (`arguments.tsv`), a line for each command: its name, a tab, and its arguments with a
//! space between two. An argument is
//!
//! ```text
//! name=type  @n  "TOKEN"  /since  !deprecated  ?  *  +  ( arguments )
//! ```
//!
//! where all after the type may be missing: the number of its key spec, the word before it (or which it
//! is), the versions of Redis that brought and deprecated it, whether it is optional, may stand several
//! times and then repeats its word, and what it is made of or chosen from. Nothing is checked by them:
//! commands read their own words.

use std::sync::LazyLock;

/// An argument, or several that belong together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Argument {
    /// What it is called.
    pub name: &'static str,
    /// Its type, in Redis's words: `integer`, `pure-token`, `oneof`, `block`.
    pub kind: &'static str,
    /// Which of the command's key specs finds it.
    pub key: Option<i64>,
    /// The word that stands before it, or that it is; empty where an empty word may stand.
    pub token: Option<&'static str>,
    /// The version of Redis that brought it.
    pub since: Option<&'static str>,
    /// The version of Redis that deprecated it.
    pub deprecated: Option<&'static str>,
    /// `optional`, `multiple`, `multiple_token`.
    pub flags: Vec<&'static str>,
    /// Those that it is made of (`block`) or chosen from (`oneof`).
    pub parts: Vec<Argument>,
}

/// The data: commands by name.
static ALL: LazyLock<Vec<(&str, Vec<Argument>)>> = LazyLock::new(|| {
    let lines = include_str!("arguments.tsv").lines();
    let mut all: Vec<_> = lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, arguments) = line.split_once('\t').expect("arguments.tsv: a tab");
            let mut rest = arguments;
            let arguments = read(&mut rest);
            assert!(rest.is_empty(), "arguments.tsv: {name}: {rest}");
            (name, arguments)
        })
        .collect();
    all.sort_unstable_by_key(|(name, _)| *name);
    all
});

/// The arguments of the command of this name, in lower case.
pub fn find(name: &str) -> &'static [Argument] {
    let place = ALL.binary_search_by_key(&name, |(name, _)| name);
    place.map_or(&[], |place| &ALL[place].1)
}

/// The names of those that have arguments.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// Arguments up to the end or a closing bracket.
fn read(text: &mut &'static str) -> Vec<Argument> {
    let mut arguments = Vec::new();
    while !text.is_empty() && !text.starts_with(')') {
        arguments.push(argument(text));
        *text = text.strip_prefix(' ').unwrap_or(text);
    }
    arguments
}

fn argument(text: &mut &'static str) -> Argument {
    let (name, rest) = text.split_once('=').expect("arguments.tsv: a type");
    *text = rest;
    let mut argument = Argument {
        name,
        kind: word(text),
        ..Argument::default()
    };
    while let Some(mark) = text.chars().next().filter(|mark| !" )".contains(*mark)) {
        *text = &text[mark.len_utf8()..];
        match mark {
            '@' => argument.key = word(text).parse().ok(),
            '"' => {
                let (token, rest) = text.split_once('"').expect("arguments.tsv: a quote's end");
                argument.token = Some(token);
                *text = rest;
            }
            '/' => argument.since = Some(word(text)),
            '!' => argument.deprecated = Some(word(text)),
            '?' => argument.flags.push("optional"),
            '*' => argument.flags.push("multiple"),
            '+' => argument.flags.push("multiple_token"),
            '(' => {
                argument.parts = read(text);
                *text = text
                    .strip_prefix(')')
                    .expect("arguments.tsv: a bracket's end");
            }
            _ => panic!("arguments.tsv: {mark}{text}"),
        }
    }
    argument
}

/// What follows up to the next mark.
fn word(text: &mut &'static str) -> &'static str {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let end = text.find(|c| !is_of_word(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    *text = rest;
    word
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, entries};
    use super::*;

    #[test]
    fn reads_all_marks() {
        let mut text = "key=key@0 yes/no=string \
                        how=oneof/6.2.0!7.0.0?(plain=pure-token\"~\" \
                        pair=block\"GET\"*+(a=integer b=double))";
        let arguments = read(&mut text);
        assert_eq!(text, "");
        let plain = |name, kind| Argument {
            name,
            kind,
            ..Argument::default()
        };
        let wanted = [
            Argument {
                key: Some(0),
                ..plain("key", "key")
            },
            plain("yes/no", "string"),
            Argument {
                since: Some("6.2.0"),
                deprecated: Some("7.0.0"),
                flags: vec!["optional"],
                parts: vec![
                    Argument {
                        token: Some("~"),
                        ..plain("plain", "pure-token")
                    },
                    Argument {
                        token: Some("GET"),
                        flags: vec!["multiple", "multiple_token"],
                        parts: vec![plain("a", "integer"), plain("b", "double")],
                        ..plain("pair", "block")
                    },
                ],
                ..plain("how", "oneof")
            },
        ];
        assert_eq!(arguments, wanted);
    }

    #[test]
    fn every_line_is_of_a_command_of_ours() {
        let ours: Vec<&str> = entries().iter().map(Entry::name).collect();
        for name in names() {
            assert!(ours.contains(&name), "{name}");
        }
        assert_eq!(find("get").len(), 1);
        assert_eq!(find("nosuch"), []);
    }
}
