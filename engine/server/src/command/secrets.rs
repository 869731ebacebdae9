//! Words of calls that nobody else may read: passwords, where `MONITOR` and `SLOWLOG` show calls.

use super::Entry;

/// What is shown instead.
pub const REDACTED: &[u8] = b"(redacted)";

/// Parameters whose values are secret.
const SECRET_PARAMETERS: &[&[u8]] = &[b"requirepass"];

/// Whether argument `at` of a call is secret; `args` are all, the command's name not among them.
pub fn is_secret(entry: &Entry, args: &[&[u8]], at: usize) -> bool {
    match entry.name() {
        "auth" => true,
        "hello" => {
            // Behind the version options stand, each with as many words as it takes.
            let mut option = 1;
            while option < at {
                let words = match args[option] {
                    word if word.eq_ignore_ascii_case(b"auth") => 2,
                    word if word.eq_ignore_ascii_case(b"setname") => 1,
                    _ => 0,
                };
                if words == 2 && at <= option + words {
                    return true;
                }
                option += 1 + words;
            }
            false
        }
        "config|set" => {
            let is_secret = |name: &[u8]| {
                let mut secret = SECRET_PARAMETERS.iter();
                secret.any(|known| known.eq_ignore_ascii_case(name))
            };
            at >= 2 && at.is_multiple_of(2) && is_secret(args[at - 1])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    #[test]
    fn passwords_are_secret_and_nothing_else() {
        let config = find(b"config").unwrap();
        let set = config
            .subcommands()
            .iter()
            .find(|entry| entry.name() == "config|set");
        for (entry, words, secret) in [
            (find(b"auth").unwrap(), "pass", "*"),
            (find(b"auth").unwrap(), "user pass", "**"),
            (
                find(b"hello").unwrap(),
                "3 AUTH user pass SETNAME x",
                "--**--",
            ),
            (find(b"hello").unwrap(), "3 SETNAME auth", "---"),
            (
                find(b"hello").unwrap(),
                "3 SETNAME auth AUTH user pass",
                "----**",
            ),
            (
                set.unwrap(),
                "set timeout 1 RequirePass x maxmemory 2",
                "----*--",
            ),
            (find(b"set").unwrap(), "requirepass x", "--"),
        ] {
            let args: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
            let marks = (0..args.len()).map(|at| is_secret(entry, &args, at));
            let marks: String = marks.map(|is| if is { '*' } else { '-' }).collect();
            assert_eq!(marks, secret, "{} {words}", entry.name());
        }
    }
}
