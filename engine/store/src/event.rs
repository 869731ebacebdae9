//! Keyspace notifications: what happened to which key, for those who subscribed to it.
//!
//! A shard collects events only where its mask says that somebody may listen. What an event becomes on
//! the wire (`__keyspace@0__:key`, `__keyevent@0__:name`) is the server's: it reads the two channel bits
//! of the same mask.

use std::fmt;

/// What kind of event it is: a letter of `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Class {
    /// `K`: not an event, the channel that is named after the key.
    Keyspace = 1 << 0,
    /// `E`: not an event, the channel that is named after the event.
    Keyevent = 1 << 1,
    /// `g`: what may happen to a key of any kind.
    Generic = 1 << 2,
    /// `$`: strings.
    String = 1 << 3,
    /// `l`: lists.
    List = 1 << 4,
    /// `s`: sets.
    Set = 1 << 5,
    /// `h`: hashes.
    Hash = 1 << 6,
    /// `z`: sorted sets.
    SortedSet = 1 << 7,
    /// `x`: a key expired.
    Expired = 1 << 8,
    /// `e`: a key was evicted.
    Evicted = 1 << 9,
    /// `t`: streams.
    Stream = 1 << 10,
    /// `m`: a read found no key; not among `A`.
    KeyMiss = 1 << 11,
    /// `d`: modules.
    Module = 1 << 13,
    /// `n`: a key was made; not among `A`.
    New = 1 << 14,
}

/// The classes with their letters, in the order in which Redis shows them.
const LETTERS: [(Class, char); 14] = [
    (Class::Generic, 'g'),
    (Class::String, '$'),
    (Class::List, 'l'),
    (Class::Set, 's'),
    (Class::Hash, 'h'),
    (Class::SortedSet, 'z'),
    (Class::Expired, 'x'),
    (Class::Evicted, 'e'),
    (Class::Stream, 't'),
    (Class::Module, 'd'),
    (Class::New, 'n'),
    (Class::Keyspace, 'K'),
    (Class::Keyevent, 'E'),
    (Class::KeyMiss, 'm'),
];

/// How many of [`LETTERS`] are not shown where `A` is. Redis 7.0 does not show `n` there either, and so
/// loses it where its configuration is written and read again.
const BEHIND_ALL: usize = 10;

/// A set of classes: the value of `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u16);

impl Classes {
    /// None: nothing is collected.
    pub const NONE: Classes = Classes(0);
    /// `A`: every class of events but `m` and `n`.
    pub const ALL: Classes = Classes(
        Class::Generic as u16
            | Class::String as u16
            | Class::List as u16
            | Class::Set as u16
            | Class::Hash as u16
            | Class::SortedSet as u16
            | Class::Expired as u16
            | Class::Evicted as u16
            | Class::Stream as u16
            | Class::Module as u16,
    );

    /// Reads the letters; `None` where one is unknown.
    pub fn parse(letters: &str) -> Option<Classes> {
        letters.chars().try_fold(Classes::NONE, |classes, letter| {
            let more = match letter {
                'A' => Classes::ALL.0,
                _ => LETTERS.iter().find(|(_, known)| *known == letter)?.0 as u16,
            };
            Some(Classes(classes.0 | more))
        })
    }

    /// A number that [`Classes::of_bits`] reads.
    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// The classes whose [`Classes::bits`] these are.
    pub(crate) const fn of_bits(bits: u16) -> Classes {
        Classes(bits)
    }

    /// Whether `class` is among them.
    #[inline]
    pub const fn has(self, class: Class) -> bool {
        self.0 & class as u16 != 0
    }

    /// Whether events of `class` go to any channel.
    #[inline]
    pub const fn wants(self, class: Class) -> bool {
        self.has(class) && (self.has(Class::Keyspace) || self.has(Class::Keyevent))
    }
}

/// The letters, as `CONFIG GET notify-keyspace-events` shows them.
impl fmt::Display for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0 & Classes::ALL.0 == Classes::ALL.0;
        if all {
            f.write_str("A")?;
        }
        let shown = if all { BEHIND_ALL } else { 0 };
        LETTERS[shown..]
            .iter()
            .filter(|(class, _)| self.has(*class))
            .try_for_each(|(_, letter)| write!(f, "{letter}"))
    }
}

/// Something that happened to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The database of the key.
    pub database: u8,
    /// What kind of event it is.
    pub class: Class,
    /// What happened, in Redis's word: `lpush`, `expired`, `del`.
    pub name: &'static str,
    /// The key.
    pub key: Box<[u8]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_and_shown_as_redis_does() {
        for (given, shown) in [
            ("", Some("")),
            ("KEA", Some("AKE")),
            ("g$lshzxetd", Some("A")),
            ("mnxE", Some("xnEm")),
            ("AnmK", Some("AnKm")),
            ("Kl", Some("lK")),
            ("q", None),
            ("Kq", None),
        ] {
            let classes = Classes::parse(given);
            assert_eq!(classes.map(|c| c.to_string()).as_deref(), shown, "{given}");
        }
    }

    #[test]
    fn a_class_without_a_channel_is_not_wanted() {
        let wants = |letters, class| Classes::parse(letters).unwrap().wants(class);
        assert!(wants("El", Class::List) && wants("KA", Class::List));
        assert!(!wants("l", Class::List) && !wants("Es", Class::List));
        assert!(!wants("KEA", Class::New) && wants("KEn", Class::New));
    }
}
