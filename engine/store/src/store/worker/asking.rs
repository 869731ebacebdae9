//! A worker as a session: it asks and waits, and turns its own shards meanwhile.

use smallvec::SmallVec;

use super::{TOGETHER, Worker};
use crate::command::CommandError;
use crate::op::Op;
use crate::reply::Reply;

impl Worker {
    /// Appends the string at `key` to `value`; whether there is one.
    ///
    /// # Errors
    /// As `GET`.
    #[inline]
    pub fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool, CommandError> {
        self.session.get_by(self.core.as_mut(), key, value)
    }

    /// Sets `key` to `value`, as `SET` does, and waits until that is done.
    ///
    /// # Errors
    /// As `SET`.
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), CommandError> {
        self.session.set_by(self.core.as_mut(), key, value)
    }

    /// Sets each key to its value, as [`Worker::set`] does one after the other, so that their waits for memory
    /// overlap where this worker owns the shards.
    ///
    /// # Errors
    /// As `SET`, of the first that fails; those before it are set.
    pub fn set_each<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        pairs: &[(K, V)],
    ) -> Result<(), CommandError> {
        for pairs in pairs.chunks(TOGETHER) {
            let pairs: SmallVec<[(&[u8], &[u8]); TOGETHER]> = pairs
                .iter()
                .map(|(key, value)| (key.as_ref(), value.as_ref()))
                .collect();
            let mut set = 0;
            while set < pairs.len() {
                let here = self.set_here(0, &pairs[set..]);
                set += here;
                if here == 0 {
                    let (key, value) = pairs[set];
                    self.set(key, value)?;
                    set += 1;
                } else if let Some(core) = &mut self.core {
                    core.own_ops(here as u32);
                }
            }
        }
        Ok(())
    }

    /// As [`Session::get_each`](crate::store::Session::get_each).
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn get_each<K: AsRef<[u8]>>(
        &mut self,
        keys: &[K],
        each: impl FnMut(usize, Result<Option<&[u8]>, CommandError>),
    ) {
        self.session.get_each_by(self.core.as_mut(), keys, each);
    }

    /// Runs `op` and waits for its reply, turning meanwhile.
    pub fn execute(&mut self, op: &Op) -> Reply {
        self.session.execute_by(self.core.as_mut(), op)
    }

    /// As [`Session::submit`](crate::store::Session::submit).
    pub fn submit(&mut self, op: &Op) {
        self.session.submit_by(self.core.as_mut(), op);
    }

    /// As [`Session::complete`](crate::store::Session::complete).
    pub fn complete(&mut self, each: impl FnMut(Reply)) {
        self.session.complete_by(self.core.as_mut(), each);
    }

    /// As [`Session::ready`](crate::store::Session::ready).
    pub fn ready(&mut self, each: impl FnMut(Reply)) {
        self.session.ready_by(self.core.as_mut(), each);
    }
}
