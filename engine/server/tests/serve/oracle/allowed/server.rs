//! What is compared of what servers say of themselves.

use seawall_store::Reply;

use super::Case;

/// The fields of a client's line that say what the client did.
const FIELDS: &[&str] = &[
    "name", "flags", "db", "sub", "psub", "ssub", "multi", "cmd", "user", "redir", "resp",
];

/// The same but for a client's number.
pub fn id(case: &Case<'_>) -> bool {
    match (case.ours, case.theirs) {
        (Reply::Int(a), Reply::Int(b)) => *a > 0 && *b > 0,
        (a, b) => {
            let (a, b) = (without_id(a), without_id(b));
            a.is_some() && a == b
        }
    }
}

/// What `HELLO` says, in a row.
fn without_id(reply: &Reply) -> Option<Vec<Reply>> {
    let mut row: Vec<Reply> = match reply {
        Reply::Array(items) => items.clone(),
        Reply::Map(pairs) => pairs
            .iter()
            .flat_map(|(key, value)| [key.clone(), value.clone()])
            .collect(),
        _ => return None,
    };
    let at = row
        .iter()
        .position(|item| *item == Reply::Bulk(b"id".to_vec()))?;
    row[at + 1] = Reply::Int(0);
    Some(row)
}

/// As many lines, which say the same of what clients did.
pub fn client_lines(case: &Case<'_>) -> bool {
    let lines = |reply: &Reply| match reply {
        Reply::Bulk(text) | Reply::Verbatim(_, text) => {
            let text = String::from_utf8_lossy(text).into_owned();
            Some(text.lines().map(fields).collect::<Vec<_>>())
        }
        _ => None,
    };
    let (ours, theirs) = (lines(case.ours), lines(case.theirs));
    ours.is_some() && ours == theirs
}

fn fields(line: &str) -> Vec<String> {
    let named = |word: &&str| {
        word.split_once('=')
            .is_some_and(|(name, _)| FIELDS.contains(&name))
    };
    line.split(' ').filter(named).map(str::to_owned).collect()
}

/// Messages that name the same channels, and count down alike.
pub fn farewells(case: &Case<'_>) -> bool {
    let parts = |reply: &Reply| {
        let Reply::Array(messages) = reply else {
            return None;
        };
        let mut names = Vec::new();
        let mut counts = Vec::new();
        for message in messages {
            let (Reply::Array(parts) | Reply::Push(parts)) = message else {
                return None;
            };
            let [_, name, count] = parts.as_slice() else {
                return None;
            };
            names.push(format!("{name:?}"));
            counts.push(format!("{count:?}"));
        }
        names.sort();
        Some((names, counts))
    };
    case.words.len() == 1 && parts(case.ours).is_some_and(|ours| Some(ours) == parts(case.theirs))
}

/// Lines of help on either side.
pub fn help(case: &Case<'_>) -> bool {
    let is_help = |reply: &Reply| match reply {
        Reply::Array(lines) => {
            lines.len() > 2 && lines[lines.len() - 2] == Reply::Simple("HELP".to_owned())
        }
        _ => false,
    };
    is_help(case.ours) && is_help(case.theirs)
}

/// A text that ends with the same line.
pub fn art(case: &Case<'_>) -> bool {
    let last = |reply: &Reply| match reply {
        Reply::Bulk(text) | Reply::Verbatim(_, text) => {
            let text = String::from_utf8_lossy(text).into_owned();
            text.lines().last().map(str::to_owned)
        }
        _ => None,
    };
    last(case.ours).is_some_and(|ours| Some(ours) == last(case.theirs))
}

/// Not more commands; those of later versions do not count.
pub fn fewer(case: &Case<'_>) -> bool {
    const LATER: &[&[u8]] = &[b"client|setinfo"];
    match (case.ours, case.theirs) {
        (Reply::Int(a), Reply::Int(b)) => *a > 0 && a <= b,
        (Reply::Array(a), Reply::Array(b)) => a.iter().all(|name| {
            let later = matches!(name, Reply::Bulk(name) if LATER.contains(&name.as_slice()));
            later || b.contains(name)
        }),
        _ => false,
    }
}

/// Calls that were slow, or how many.
pub fn slow(case: &Case<'_>) -> bool {
    matches!(
        (case.ours, case.theirs),
        (Reply::Int(_), Reply::Int(_)) | (Reply::Array(_), Reply::Array(_))
    )
}

/// The same facts but for notes.
pub fn facts(case: &Case<'_>) -> bool {
    without_notes(case.ours) == without_notes(case.theirs)
}

fn without_notes(reply: &Reply) -> Reply {
    let notes = Reply::Bulk(b"notes".to_vec());
    let each = |items: &[Reply]| -> Vec<Reply> {
        let note = items.iter().position(|item| *item == notes);
        let kept = items
            .iter()
            .enumerate()
            .filter(|(at, _)| note.is_none_or(|note| *at != note && *at != note + 1));
        let mut all: Vec<Reply> = kept.map(|(_, item)| without_notes(item)).collect();
        // Subcommands stand in the order of a hash table.
        if items.iter().all(|item| matches!(item, Reply::Array(_))) {
            all.sort_by_key(|item| format!("{item:?}"));
        }
        all
    };
    match reply {
        Reply::Array(items) => Reply::Array(each(items)),
        Reply::Set(items) => Reply::Set(each(items)),
        Reply::Map(pairs) => Reply::Map(
            pairs
                .iter()
                .filter(|(key, _)| *key != notes)
                .map(|(key, value)| (key.clone(), without_notes(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}
