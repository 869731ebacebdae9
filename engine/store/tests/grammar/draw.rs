//! Values of the pools that the grammar's rules name.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Family, Kind, Mix, kinds};

/// Draws values: those that all families share, keys, and, by the families' functions, the rest.
pub struct Draw<'a> {
    rng: &'a mut Xoshiro256PlusPlus,
    families: &'static [&'static Family],
    epoch_ms: u64,
}

impl<'a> Draw<'a> {
    pub fn new(
        rng: &'a mut Xoshiro256PlusPlus,
        families: &'static [&'static Family],
        epoch_ms: u64,
    ) -> Draw<'a> {
        Draw {
            rng,
            families,
            epoch_ms,
        }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.rng.random_range(0..end)
    }

    /// A number from `start` to below `end`.
    pub fn between(&mut self, start: i64, end: i64) -> i64 {
        self.rng.random_range(start..end)
    }

    /// A float in a range.
    pub fn float(&mut self, range: std::ops::Range<f64>) -> f64 {
        self.rng.random_range(range)
    }

    /// One of these.
    pub fn one<'b>(&mut self, of: &[&'b str]) -> &'b str {
        of.choose(self.rng).expect("not empty")
    }

    /// A value of the pool `name`.
    pub fn value(&mut self, name: &str) -> String {
        if let Some(kind) = kinds(self.families).find(|kind| kind.name == name) {
            return self.key(kind);
        }
        let shared = self.shared(name);
        let found = shared.or_else(|| {
            self.families
                .iter()
                .find_map(|family| (family.draw)(self, name))
        });
        found.unwrap_or_else(|| panic!("${name} has no pool"))
    }

    /// A key of this kind; now and then of another, so that `WRONGTYPE` is seen.
    fn key(&mut self, kind: &Kind) -> String {
        let mut name = kind.name;
        if kind.mix != Mix::None && self.below(12) == 0 {
            let others: Vec<_> = kinds(self.families)
                .filter(|other| other.mix == Mix::Any || kind.mix == Mix::Any)
                .map(|kind| kind.name)
                .collect();
            name = self.one(&others);
        }
        format!("{name}:{}", self.below(kind.keys.into()))
    }

    /// A value of the pools that belong to no family.
    pub fn shared(&mut self, name: &str) -> Option<String> {
        Some(match name {
            "key" => {
                let names: Vec<_> = kinds(self.families).map(|kind| kind.name).collect();
                format!("{}:{}", self.one(&names), self.below(7))
            }
            "openkey" => {
                let open = kinds(self.families).filter(|kind| kind.mix == Mix::Any);
                let names: Vec<_> = open.map(|kind| kind.name).collect();
                format!("{}:{}", self.one(&names), self.below(7))
            }
            "value" => match self.below(8) {
                0 => String::new(),
                1 => "v".repeat(self.between(60, 70) as usize),
                2 => self.value("int"),
                3 => self.value("float"),
                n => format!("value {n}\r\n\0{}", self.below(1 << 16)),
            },
            "int" => match self.below(8) {
                0 => i64::MAX.to_string(),
                1 => i64::MIN.to_string(),
                2 => self.rng.next_u64().cast_signed().to_string(),
                _ => self.between(-20, 20).to_string(),
            },
            "float" => match self.below(12) {
                0 => "inf".to_owned(),
                1 => "-inf".to_owned(),
                2 => format!("{:e}", f64::from_bits(self.rng.next_u64() >> 2)),
                3 => format!("{:?}", self.float(-1e20..1e20)),
                4 => format!("0.{}", self.below(1_000_000)),
                5 => format!("{:.1}", self.float(-50.0..50.0)),
                6 => format!("{:?}", self.float(-1.0..1.0)),
                _ => self.between(-20, 20).to_string(),
            },
            "index" => match self.below(10) {
                0 => i64::MIN.to_string(),
                1 => i64::MAX.to_string(),
                2 => self.between(-300, 300).to_string(),
                _ => self.between(-8, 12).to_string(),
            },
            "few" => self.below(5).to_string(),
            "negative" => self.between(-9, 0).to_string(),
            "s" => self.between(100_000, 9_000_000).to_string(),
            "ms" => self.between(100_000_000, 9_000_000_000).to_string(),
            "at" => (self.epoch_ms / 1000 + 100_000 + self.below(9_000_000)).to_string(),
            "atms" => (self.epoch_ms + 100_000_000 + self.below(9_000_000_000)).to_string(),
            "passed" => self.between(-1000, 1).to_string(),
            _ => return None,
        })
    }
}
