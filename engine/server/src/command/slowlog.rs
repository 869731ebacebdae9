//! `SLOWLOG`: the calls that took long.

use seawall_store::command::number::parse_int;
use seawall_store::command::{CommandError, Flag};

use super::{Command, Context, help};

const FLAGS: &[Flag] = &[Flag::Admin, Flag::Loading, Flag::Stale];
/// How many are told where no number is given.
const TOLD: usize = 10;

/// `SLOWLOG`
pub static SLOWLOG: Command = Command {
    subcommands: &[&GET, &HELP, &LEN, &RESET],
    ..Command::new("slowlog", -2, &[], "tell of calls that took long", |_| {
        Ok(())
    })
};
static GET: Command = Command::new(
    "slowlog|get",
    -2,
    FLAGS,
    "the last calls that took long",
    get,
);
static HELP: Command = help::command("slowlog|help");
static LEN: Command = Command::new("slowlog|len", 2, FLAGS, "how many there are", |context| {
    context.reply.int(context.server.calls.slowlog.len() as i64);
    Ok(())
});
static RESET: Command = Command::new("slowlog|reset", 2, FLAGS, "forget them", |context| {
    context.server.calls.slowlog.reset();
    context.reply.ok();
    Ok(())
});

fn get(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = match context.args.len() {
        1 => TOLD,
        2 => match parse_int(&context.args[1]) {
            Some(-1) => usize::MAX,
            Some(count @ 0..) => count as usize,
            _ => {
                return Err(CommandError::fixed(
                    "ERR count should be greater than or equal to -1",
                ));
            }
        },
        _ => return Err(super::unknown_or_wrong(context)),
    };
    let calls = context.server.calls.slowlog.last(count);
    context.reply.array(calls.len());
    for call in &calls {
        context.reply.array(6);
        context.reply.int(call.id as i64);
        context.reply.int((call.at.0 / 1000) as i64);
        context.reply.int(call.took_us as i64);
        context.reply.array(call.words.len());
        for word in &call.words {
            context.reply.bulk(word);
        }
        context.reply.bulk(call.peer.as_bytes());
        context.reply.bulk(call.name.as_bytes());
    }
    Ok(())
}
