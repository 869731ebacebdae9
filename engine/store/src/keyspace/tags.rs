//! What Memcached's protocol keeps of a string beside its bytes: flags, a number that changes with it,
//! and how it was used. Both protocols see one keyspace; an item that Redis's commands set gets its tag
//! when it is first asked for.

use super::capture::Change;
use super::{Keyspace, Tag};
use crate::command::CommandError;
use crate::mem::{Item, ItemKind};
use crate::time::Millis;

/// A string as Memcached's commands see it.
#[derive(Clone, Copy)]
pub struct Tagged<'a> {
    /// Its bytes.
    pub value: &'a [u8],
    /// When it expires.
    pub expires: Option<Millis>,
    /// What is kept beside it.
    pub tag: Tag,
    item: Item<'a>,
}

/// Where a string is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Whatever is there.
    Any,
    /// Where there is no key.
    Missing,
    /// Where there is one.
    There,
}

impl Tagged<'_> {
    /// Changes when it was read, and whether somebody was chosen to renew it: what may change without a new item, and
    /// is in no snapshot. A string without a tag keeps none of it.
    pub fn mark(&self, tag: Tag) {
        self.item.set_tag(tag);
    }
}

impl Keyspace {
    /// The string at `key` with its tag (an access), `None` where there is no key. A string without a tag
    /// gets one where its number is `needed`, and seems to have an empty one where it is not.
    ///
    /// # Errors
    /// `WRONGTYPE` where the key holds something else; no room for a tag.
    pub fn tagged(&mut self, key: &[u8], needed: bool) -> Result<Option<Tagged<'_>>, CommandError> {
        let Some(mut id) = self.access(key) else {
            return Ok(None);
        };
        let item = self.arena.own(id);
        if item.kind() == ItemKind::Collection {
            return Err(CommandError::WRONG_TYPE);
        }
        if needed
            && item.tag().is_none()
            && let expires = item.expires()
            && let Some((place, _)) = self.locate(key)
        {
            if self.capture.is_some() {
                self.save_ahead(Change::Tag, self.hash(key));
            }
            let tag = self.numbered(Tag::default());
            let made = self.remake(place, id, expires, Some(tag));
            id = made.ok_or(CommandError::OUT_OF_MEMORY)?;
        }
        let item = self.arena.own(id);
        Ok(Some(Tagged {
            value: item.value(),
            expires: item.expires(),
            tag: item.tag().unwrap_or_default(),
            item,
        }))
    }

    /// Sets `key` to a string with what `tag` says. Its number is a new one, unless the client chose one
    /// (`E`); gives that number.
    ///
    /// # Errors
    /// The item is larger than the store can hold.
    pub fn set_tagged(
        &mut self,
        key: &[u8],
        value: &[u8],
        expires: Option<Millis>,
        tag: Tag,
        chosen: Option<u64>,
    ) -> Result<u64, CommandError> {
        let found = self.locate(key);
        let tag = match chosen {
            Some(cas) => Tag { cas, ..tag },
            None => self.numbered(tag),
        };
        self.put(found, ItemKind::String, key, value, expires, Some(&tag))?;
        Ok(tag.cas)
    }

    /// As [`Keyspace::set_tagged`], where the key is there or not, as `place` says; `None` where it is otherwise.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn set_tagged_where(
        &mut self,
        place: Where,
        key: &[u8],
        value: &[u8],
        expires: Option<Millis>,
        tag: Tag,
    ) -> Result<Option<u64>, CommandError> {
        let found = self.locate(key);
        let refuses = match place {
            Where::Any => false,
            Where::Missing => found.is_some(),
            Where::There => found.is_none(),
        };
        if refuses {
            return Ok(None);
        }
        let tag = self.numbered(tag);
        self.put(found, ItemKind::String, key, value, expires, Some(&tag))?;
        Ok(Some(tag.cas))
    }

    /// `tag` with a number that no item of this shard ever had, not even before a restart: the time in
    /// milliseconds above 20 bits of counter.
    #[inline]
    pub(super) fn numbered(&mut self, tag: Tag) -> Tag {
        // What is loaded of the past comes at no time.
        self.cas = (self.cas + 1).max(self.latest.0 << 20);
        Tag {
            cas: self.cas,
            ..tag
        }
    }
}
