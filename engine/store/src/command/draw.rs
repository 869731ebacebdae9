//! Members at random, as `HRANDFIELD`, `ZRANDMEMBER` and their kin ask for them: one, so many different
//! ones, or so many with repetition.

use rand::RngExt;
use rand::seq::index;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Call, CommandError, number};
use crate::op::Op;
use crate::reply::ReplyBuf;

/// The most draws with repetition. Redis has no such limit but memory, which one command of a few bytes
/// could fill.
const DRAWS_MAX: u64 = 1 << 20;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// So many different ones; negative: so many with repetition; `None`: one, not in an array.
    pub count: Option<i64>,
    /// Whether their values or scores are wanted too.
    pub with_values: bool,
}

impl Draw {
    /// Reads `key [count [word]]`.
    ///
    /// # Errors
    /// The count is no integer, out of range, or something else follows it.
    pub fn parse(op: &Op, word: &str) -> Result<Draw, CommandError> {
        let Some(count) = op.get(1) else {
            return Ok(Draw {
                count: None,
                with_values: false,
            });
        };
        let count = number::int(count)?;
        if count == i64::MIN {
            return Err(CommandError::new(format!(
                "ERR value is out of range, value must between {} and {}",
                -i64::MAX,
                i64::MAX
            )));
        }
        let with_values = op.get(2).is_some();
        let known = op
            .get(2)
            .is_none_or(|given| given.eq_ignore_ascii_case(word.as_bytes()));
        if op.len() > 3 || !known {
            return Err(CommandError::SYNTAX);
        }
        let limit = if with_values { i64::MAX / 2 } else { i64::MAX };
        if count.abs() > limit {
            return Err(CommandError::new("ERR value is out of range"));
        }
        Ok(Draw {
            count: Some(count),
            with_values,
        })
    }

    /// The places that are drawn out of `len`, in a reply that has begun: none where there is nothing to
    /// draw from, which is then the reply.
    ///
    /// # Errors
    /// As [`Draw::places`].
    pub fn begin(self, call: &mut Call<'_>, len: usize) -> Result<Vec<usize>, CommandError> {
        let reply = &mut call.out.reply;
        if len == 0 {
            match self.count {
                None => reply.nil(),
                Some(_) => reply.array(0),
            }
            return Ok(Vec::new());
        }
        let places = self.places(call.keyspace.random(), len)?;
        if self.with_values {
            reply.pairs(places.len());
        } else if self.count.is_some() {
            reply.array(places.len());
        }
        Ok(places)
    }

    /// One that was drawn, with its value where that is wanted.
    pub fn tell(self, reply: &mut ReplyBuf, name: &[u8], value: impl FnOnce(&mut ReplyBuf)) {
        if self.with_values {
            reply.pair();
        }
        reply.bulk(name);
        if self.with_values {
            value(reply);
        }
    }

    /// The places that are drawn out of `len`, which is not 0.
    ///
    /// # Errors
    /// More draws with repetition than one command may ask for.
    fn places(
        self,
        random: &mut Xoshiro256PlusPlus,
        len: usize,
    ) -> Result<Vec<usize>, CommandError> {
        let Some(count) = self.count else {
            return Ok(vec![random.random_range(0..len)]);
        };
        let draws = count.unsigned_abs();
        if count < 0 {
            if draws > DRAWS_MAX {
                return Err(CommandError::new("ERR value is out of range"));
            }
            return Ok((0..draws).map(|_| random.random_range(0..len)).collect());
        }
        let count = usize::try_from(draws).unwrap_or(usize::MAX);
        Ok(if count >= len {
            (0..len).collect()
        } else {
            index::sample(random, len, count).into_vec()
        })
    }
}
