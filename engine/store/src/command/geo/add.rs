//! Adding places: `GEOADD`, which is a `ZADD` of geohashes.

use super::point::Point;
use crate::command::sorted_set::add::{Options, ZADD, zadd};
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::op::Op;

/// `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]`
pub static GEOADD: Command = Command {
    name: "geoadd",
    arity: -5,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "add places, or move them",
    run: geoadd,
};

fn geoadd(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let is = |word: &[u8], name: &[u8]| word.eq_ignore_ascii_case(name);
    let options = |word: &&[u8]| is(word, b"nx") || is(word, b"xx") || is(word, b"ch");
    let first = 1 + op.args().skip(1).take_while(options).count();
    let given = |name| op.args().take(first).skip(1).any(|word| is(word, name));
    if !(op.len() - first).is_multiple_of(3) || given(b"nx") && given(b"xx") {
        return Err(CommandError::SYNTAX);
    }
    let mut meant = Op::new(&ZADD);
    op.args().take(first).for_each(|word| meant.push(word));
    for i in (first..op.len()).step_by(3) {
        let point = Point::parse(&op[i], &op[i + 1])?;
        meant = meant.text(point.score()).arg(&op[i + 2]);
    }
    zadd(call, &meant, Options::default())
}
