//! The lines of golden scripts: commands read, replies shown.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use seawall_store::Reply;

/// The scripts of a folder, by name.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the scripts' folder")
        .map(|entry| entry.expect("a file").path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The words of a command line.
pub fn split(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    while let Some(&first) = chars.peek() {
        if first == ' ' {
            chars.next();
            continue;
        }
        let quoted = first == '"';
        if quoted {
            chars.next();
        }
        let mut word = Vec::new();
        loop {
            match chars.next() {
                None if quoted => panic!("a quote is not closed: {line}"),
                None => break,
                Some('"') if quoted => break,
                Some(' ') if !quoted => break,
                Some('\\') if quoted => match chars.next().expect("something after \\") {
                    'n' => word.push(b'\n'),
                    'r' => word.push(b'\r'),
                    't' => word.push(b'\t'),
                    'x' => {
                        let hex: String = chars.by_ref().take(2).collect();
                        word.push(u8::from_str_radix(&hex, 16).expect("two hex digits"));
                    }
                    other => word.push(u8::try_from(other).expect("an ASCII character")),
                },
                Some(other) => {
                    word.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        words.push(word);
    }
    words
}

/// Bytes in quotes, with escapes that [`split`] reads.
pub fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// A reply as people read it, one line for each that is not an array.
pub fn show(reply: &Reply, indent: &str, text: &mut String) {
    match reply {
        Reply::Simple(status) => writeln!(text, "{status}"),
        Reply::Error(words) => writeln!(text, "(error) {words}"),
        Reply::Int(n) => writeln!(text, "(integer) {n}"),
        Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) => writeln!(text, "{}", quoted(bytes)),
        Reply::Nil => writeln!(text, "(nil)"),
        Reply::Double(x) => writeln!(text, "(double) {x}"),
        Reply::Boolean(yes) => writeln!(text, "({yes})"),
        Reply::BigNumber(digits) => writeln!(text, "(big number) {digits}"),
        Reply::Array(items) => show_each(items, "array", indent, text),
        Reply::Set(items) => show_each(items, "set", indent, text),
        Reply::Push(items) => show_each(items, "push", indent, text),
        Reply::Map(pairs) => {
            let flat: Vec<Reply> = pairs
                .iter()
                .flat_map(|(key, value)| [key.clone(), value.clone()])
                .collect();
            show_each(&flat, "map", indent, text)
        }
    }
    .expect("memory");
}

fn show_each(items: &[Reply], kind: &str, indent: &str, text: &mut String) -> std::fmt::Result {
    if items.is_empty() {
        return writeln!(text, "(empty {kind})");
    }
    for (i, item) in items.iter().enumerate() {
        let number = format!("{}) ", i + 1);
        write!(text, "{}{number}", if i == 0 { "" } else { indent })?;
        show(item, &format!("{indent}{}", " ".repeat(number.len())), text);
    }
    Ok(())
}
