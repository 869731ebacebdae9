//! Messages to channels, patterns and shard channels, and the keyspace's events.

use super::{Cast, Family};
use crate::oracle::grammar::Draw;

pub const CAST: Cast = Cast {
    clients: 5,
    steps: 200,
    events: "",
};

pub const FAMILY: Family = Family {
    name: "pubsub",
    kinds: &[],
    rules: &[
        "subscribe ($channel)+",
        "subscribe $events",
        "psubscribe ($channels)+",
        "psubscribe $events __key*__:*",
        "ssubscribe ($channel)+",
        "unsubscribe [$channel]",
        "unsubscribe $channel $channel",
        "punsubscribe [$channels]",
        "sunsubscribe [$channel]",
        "publish $channel $value",
        "publish $channel $value",
        "publish $channel $value",
        "spublish $channel $value",
        "spublish $channel $value",
        "pubsub channels [$channels]",
        "pubsub numsub ($channel)+",
        "pubsub numsub",
        "pubsub numpat",
        "pubsub shardchannels [$channels]",
        "pubsub shardnumsub ($channel)+",
        "pubsub nosuch",
        "pubsub numpat $value",
        "pubsub",
        "subscribe",
        "publish $channel",
        "ping [$value]",
        "ping $value $value",
        "config set notify-keyspace-events $classes",
        "config get notify-keyspace-events",
        "set $str $value",
        "get $str",
        "del ($str)+",
        "lpush $list $element",
        "lpop $list",
        "sadd $set $name",
        "zadd $zset $score $member",
        "hset $hash $field $value",
        "expire $str $s",
        "rename $str $str",
        "select $db",
        "reset",
        "quit",
        "hello 2",
        "hello 3",
        "echo $value",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "channel" => format!("channel{}", draw.below(4)),
        "channels" => draw
            .one(&[
                "channel*",
                "c*1",
                "channel[0-2]",
                "*",
                "x*",
                "channel1",
                "\\*",
            ])
            .to_owned(),
        "events" => {
            let key = draw.value("str");
            let events = [
                "__keyevent@0__:set",
                "__keyevent@*__:del",
                &format!("__keyspace@0__:{key}"),
                "__keyspace@1__:*",
            ];
            draw.one(&events).to_owned()
        }
        "classes" => draw
            .one(&[
                "KEA", "AKE", "K$", "E$lg", "Kg", "", "KEs", "q", "A", "KExm", "Elshz",
            ])
            .to_owned(),
        _ => return None,
    })
}
