//! A sorted set that a command made, put at a key: what `ZUNIONSTORE`, `ZRANGESTORE`, `GEOSEARCHSTORE` and
//! their kin end with.

use crate::command::{Call, CommandError};
use crate::event::Class;
use crate::value::SortedSet;

/// Sets `key` to `set` and answers with its length; an empty set removes the key. The op is told as it
/// came, and `event` is what happened to the key.
///
/// # Errors
/// The store can hold no more.
pub fn store(
    call: &mut Call<'_>,
    key: &[u8],
    set: SortedSet,
    event: &'static str,
) -> Result<(), CommandError> {
    let len = set.len();
    if len > 0 {
        call.keyspace.set_collection(key, set)?;
        call.notify(Class::SortedSet, event, key);
        call.propagate();
    } else if call.keyspace.remove(key) {
        call.notify(Class::Generic, "del", key);
        call.propagate();
    }
    call.out.reply.int(len as i64);
    Ok(())
}
