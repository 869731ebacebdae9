//! Colours and marks: the same name looks the same in every plot of a report.
//!
//! The colours are those of M. Okabe and K. Ito ("Color Universal Design", 2008), which stay apart
//! for colour-blind readers; marks and dashes tell apart what shares a colour, also in print.

use super::canvas::Ink;

/// How a name looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its colour.
    pub ink: Ink,
    /// Its mark.
    pub mark: Mark,
    /// Its line.
    pub dash: Dash,
}

/// The form of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A disc.
    Disc,
    /// A square.
    Square,
    /// A triangle, point up.
    Triangle,
    /// A diamond.
    Diamond,
    /// A circle.
    Ring,
    /// No mark: a line alone.
    Bare,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    /// Unbroken.
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
}

const ORANGE: Ink = Ink(0xE6, 0x9F, 0x00);
const SKY: Ink = Ink(0x56, 0xB4, 0xE9);
const GREEN: Ink = Ink(0x00, 0x9E, 0x73);
const BLUE: Ink = Ink(0x00, 0x72, 0xB2);
const VERMILION: Ink = Ink(0xD5, 0x5E, 0x00);
const PURPLE: Ink = Ink(0xCC, 0x79, 0xA7);
const GREY: Ink = Ink(0x8A, 0x8A, 0x8C);

const COLOURS: [Ink; 6] = [BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY];
const MARKS: [Mark; 5] = [
    Mark::Disc,
    Mark::Square,
    Mark::Triangle,
    Mark::Diamond,
    Mark::Ring,
];

/// Names that look the same in *all* reports, so that readers of several recognise them.
const KNOWN: &[(&str, Look)] = &[
    (
        "belady",
        Look {
            ink: Ink::TEXT,
            mark: Mark::Bare,
            dash: Dash::Dashed,
        },
    ),
    (
        "unbounded",
        Look {
            ink: Ink::MUTED,
            mark: Mark::Bare,
            dash: Dash::Dotted,
        },
    ),
    ("fifo", solid(ORANGE, Mark::Square)),
    ("lru", solid(BLUE, Mark::Disc)),
    ("clock", solid(PURPLE, Mark::Triangle)),
    ("sieve", solid(GREEN, Mark::Diamond)),
    ("s3fifo", solid(VERMILION, Mark::Ring)),
    ("lfu", solid(SKY, Mark::Square)),
    (
        "allkeys-lru",
        Look {
            ink: BLUE,
            mark: Mark::Ring,
            dash: Dash::Dashed,
        },
    ),
    (
        "allkeys-lfu",
        Look {
            ink: SKY,
            mark: Mark::Ring,
            dash: Dash::Dashed,
        },
    ),
    (
        "allkeys-random",
        Look {
            ink: GREY,
            mark: Mark::Ring,
            dash: Dash::Dashed,
        },
    ),
    (
        "volatile-lru",
        Look {
            ink: BLUE,
            mark: Mark::Triangle,
            dash: Dash::Dashed,
        },
    ),
    (
        "volatile-lfu",
        Look {
            ink: SKY,
            mark: Mark::Triangle,
            dash: Dash::Dashed,
        },
    ),
    (
        "volatile-random",
        Look {
            ink: GREY,
            mark: Mark::Triangle,
            dash: Dash::Dashed,
        },
    ),
    (
        "volatile-ttl",
        Look {
            ink: ORANGE,
            mark: Mark::Triangle,
            dash: Dash::Dashed,
        },
    ),
    ("none", solid(VERMILION, Mark::Square)),
    ("async", solid(ORANGE, Mark::Triangle)),
    ("quorum", solid(BLUE, Mark::Disc)),
    ("modulo", solid(PURPLE, Mark::Square)),
    ("ring", solid(SKY, Mark::Ring)),
    ("slots", solid(GREEN, Mark::Diamond)),
    ("embedded", solid(BLUE, Mark::Disc)),
    ("null", solid(GREY, Mark::Square)),
    ("limit", solid(GREY, Mark::Disc)),
    ("spawn:seawall", solid(BLUE, Mark::Disc)),
    ("spawn:redis-server", solid(VERMILION, Mark::Square)),
    ("spawn:valkey-server", solid(PURPLE, Mark::Diamond)),
    ("spawn:memcached", solid(GREEN, Mark::Triangle)),
];

const fn solid(ink: Ink, mark: Mark) -> Look {
    Look {
        ink,
        mark,
        dash: Dash::Solid,
    }
}

/// The looks of a report's names.
#[derive(Clone, Debug, Default)]
pub struct Palette(Vec<(String, Look)>);

impl Palette {
    /// Looks for `names`: known ones have their own, a member with parameters has its member's where that
    /// is free, and others take the next, in the order given.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let mut palette = Self::default();
        for known in [|name: &'a str| name, member] {
            for name in &names {
                let look = KNOWN.iter().find(|(other, _)| *other == known(name));
                if let Some((_, look)) = look.filter(|(_, look)| !palette.has(*look)) {
                    palette.add(name, *look);
                }
            }
        }
        for name in &names {
            let next = palette.next();
            palette.add(name, next);
        }
        palette
    }

    /// A look of the colour that the fewest have, with a mark that none of those has; lines without marks are told apart by
    /// their dashes.
    fn next(&self) -> Look {
        let looks = |ink: Ink| self.0.iter().filter(move |(_, look)| look.ink == ink);
        let colours = COLOURS.iter().enumerate();
        let (index, ink) = colours
            .min_by_key(|(_, ink)| looks(**ink).count())
            .expect("there are colours");
        let marks = (0..MARKS.len()).map(|turn| MARKS[(index + turn) % MARKS.len()]);
        let is_free = |mark: &Mark| looks(*ink).all(|(_, look)| look.mark != *mark);
        let dashes = [Dash::Solid, Dash::Dashed, Dash::Dotted];
        let dash = dashes[looks(*ink).count().min(dashes.len() - 1)];
        match marks.clone().find(is_free) {
            Some(mark) => Look {
                ink: *ink,
                mark,
                dash,
            },
            None => solid(GREY, Mark::Disc),
        }
    }

    fn has(&self, look: Look) -> bool {
        self.0.iter().any(|(_, other)| *other == look)
    }

    /// Gives `name` a look, unless it has one.
    fn add(&mut self, name: &str, look: Look) {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.into(), look));
        }
    }

    /// How `name` looks.
    pub fn look(&self, name: &str) -> Look {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or(solid(GREY, Mark::Disc), |(_, look)| *look)
    }
}

/// The member that a name with parameters is of (`async:node_timeout_ms=1000`).
fn member(name: &str) -> &str {
    name.split_once(':').map_or(name, |(member, _)| member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_with_parameters_looks_like_it_and_like_no_other() {
        let palette = Palette::new(["async:node_timeout_ms=1000", "none", "quorum"]);
        let plain = Palette::new(["async"]).look("async");
        assert_eq!(palette.look("async:node_timeout_ms=1000"), plain);
        assert_ne!(palette.look("quorum"), plain);
        let both = Palette::new(["clock:bits=2", "clock"]);
        assert_eq!(both.look("clock"), Palette::new(["clock"]).look("clock"));
        assert_ne!(both.look("clock:bits=2"), both.look("clock"));
    }

    #[test]
    fn a_colour_is_shared_when_all_are_taken_and_then_lines_differ() {
        let names = [
            "async",
            "none",
            "min-replicas",
            "zone-log",
            "quorum",
            "crdt",
            "chain",
        ];
        let palette = Palette::new(names);
        let looks = names.map(|name| palette.look(name));
        for (index, look) in looks.iter().enumerate() {
            for other in &looks[index + 1..] {
                assert!((look.ink, look.dash) != (other.ink, other.dash));
            }
        }
        let solid = looks.iter().filter(|look| look.dash == Dash::Solid);
        assert_eq!(solid.count(), COLOURS.len());
    }

    #[test]
    fn known_names_keep_their_looks_and_others_differ() {
        let names: Vec<String> = (0..20).map(|index| format!("policy-{index}")).collect();
        let palette = Palette::new(names.iter().map(String::as_str).chain(["lru", "sieve"]));
        assert_eq!(palette.look("lru"), Palette::new(["lru"]).look("lru"));
        for (index, name) in names.iter().enumerate() {
            for other in &names[index + 1..] {
                assert_ne!(
                    palette.look(name),
                    palette.look(other),
                    "{name} and {other}"
                );
            }
        }
    }
}
