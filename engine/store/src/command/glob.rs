//! Patterns as `HSCAN … MATCH` takes them: `*`, `?`, `[a-z]`, `[^a]`, `\` before a literal.

/// Whether `text` matches `pattern`, in time proportional to the product of their lengths: only the
/// last `*` is ever taken back, since what an earlier one may match the last may too.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            star = Some((p, t));
            continue;
        }
        if t == text.len() && p == pattern.len() {
            return true;
        }
        if t < text.len()
            && let Some(next) = one(pattern, p, text[t])
        {
            p = next;
            t += 1;
            continue;
        }
        match star {
            Some((after, taken)) if taken < text.len() => {
                star = Some((after, taken + 1));
                (p, t) = (after, taken + 1);
            }
            _ => return false,
        }
    }
}

/// Where the pattern goes on after its element at `p`, if that element matches `byte`.
fn one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'[' => {
            let (matched, next) = class(pattern, p + 1, byte);
            matched.then_some(next)
        }
        b'\\' if p + 1 < pattern.len() => (pattern[p + 1] == byte).then_some(p + 2),
        literal => (literal == byte).then_some(p + 1),
    }
}

/// Whether `byte` is in the class whose inside begins at `p`, and where the pattern goes on. A class
/// that is not closed ends with the pattern.
fn class(pattern: &[u8], mut p: usize, byte: u8) -> (bool, usize) {
    let negated = pattern.get(p) == Some(&b'^');
    p += usize::from(negated);
    let mut matched = false;
    loop {
        match pattern.get(p..).unwrap_or_default() {
            [] => break,
            [b']', ..] => {
                p += 1;
                break;
            }
            [b'\\', literal, ..] => {
                matched |= *literal == byte;
                p += 2;
            }
            [a, b'-', b, ..] => {
                matched |= (a.min(b)..=a.max(b)).contains(&&byte);
                p += 3;
            }
            [literal, ..] => {
                matched |= *literal == byte;
                p += 1;
            }
        }
    }
    (matched != negated, p)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("a*b*c", "a-b-b-c", true),
            ("?", "", false),
            ("h?llo", "hello", true),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("[a-c]", "b", true),
            ("[c-a]", "b", true),
            ("[a-c]", "d", false),
            ("[abc", "c", true),
            ("[\\]]", "]", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("***a", "bca", true),
        ] {
            let got = matches(pattern.as_bytes(), text.as_bytes());
            assert_eq!(got, wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(
            "a*".repeat(1000).as_bytes(),
            "b".repeat(10_000).as_bytes()
        ));
        let pattern = format!("{}b", "*a".repeat(200));
        assert!(!matches(pattern.as_bytes(), "a".repeat(20_000).as_bytes()));
    }
}
