//! The commands of sets. (`SET` is a string's, and stands in [`super::set`].)

pub mod algebra;
pub mod change;
pub mod random;
pub mod read;
pub mod scan;

use crate::reply::ReplyBuf;
use crate::value::set::Member;

/// Replies with a member.
fn bulk(reply: &mut ReplyBuf, member: Member<'_>) {
    member.text(|text| reply.bulk(text));
}
