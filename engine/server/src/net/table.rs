//! Connections by token: a slab whose places remember how often they were used.
//!
//! The one idea: a [`Token`] is a place and the generation of its tenant. What arrives late for a former
//! tenant (an event in the same batch, a reply of another worker) finds nothing, never its successor.

/// The name of a connection of one loop. Never reused while anyone could hold it: a place's generation
/// moves on when its tenant leaves, and comes round after 2³² tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    index: u32,
    generation: u32,
}

impl Token {
    /// Its place: small and dense, so that tables may be indexed by it. Later tenants have the same one.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// How many tenants the place has had before.
    pub fn generation(self) -> u32 {
        self.generation
    }

    /// Both numbers in one, for the kernel to carry.
    pub(super) fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// The token of a place, in the lower half, and the generation of its tenant: for networks of others'.
    pub fn from_bits(bits: u64) -> Token {
        Token {
            index: bits as u32,
            generation: (bits >> 32) as u32,
        }
    }
}

/// Tenants by token.
pub(super) struct Table<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

struct Place<T> {
    generation: u32,
    tenant: Option<T>,
}

impl<T> Table<T> {
    pub(super) fn new() -> Table<T> {
        Table {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn insert(&mut self, tenant: T) -> Token {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place {
                generation: 0,
                tenant: None,
            });
            // Descriptors are numbered by an `int`, so there are never 2³² connections.
            (self.places.len() - 1) as u32
        });
        let place = &mut self.places[index as usize];
        place.tenant = Some(tenant);
        Token {
            index,
            generation: place.generation,
        }
    }

    pub(super) fn get(&self, token: Token) -> Option<&T> {
        let place = self.places.get(token.index())?;
        place
            .tenant
            .as_ref()
            .filter(|_| place.generation == token.generation)
    }

    pub(super) fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        let place = self.places.get_mut(token.index())?;
        place
            .tenant
            .as_mut()
            .filter(|_| place.generation == token.generation)
    }

    pub(super) fn remove(&mut self, token: Token) -> Option<T> {
        let place = self.places.get_mut(token.index())?;
        if place.generation != token.generation {
            return None;
        }
        let tenant = place.tenant.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(token.index);
        Some(tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, Token};

    #[test]
    fn a_token_never_means_the_next_tenant() {
        let mut table = Table::new();
        let first = table.insert('a');
        assert_eq!(table.remove(first), Some('a'));
        let second = table.insert('b');
        assert_eq!(first.index(), second.index(), "the place is used again");
        assert_ne!(first, second);
        assert_eq!(table.get(first), None);
        assert_eq!(table.get_mut(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!((table.get(second), table.len()), (Some(&'b'), 1));
        assert_eq!(Token::from_bits(second.to_bits()), second);
    }
}
