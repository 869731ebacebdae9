//! What clients say of themselves and of each other.

use super::{Cast, Family};
use crate::oracle::grammar::Draw;

pub const CAST: Cast = Cast {
    clients: 4,
    steps: 200,
    events: "",
};

pub const FAMILY: Family = Family {
    name: "clients",
    kinds: &[],
    rules: &[
        "client id",
        "client getname",
        "client setname $clientname",
        "client info",
        "client list",
        "client list type $clienttype",
        "client list id {id:0} {id:1} 0",
        "client list id {id:2}",
        "client list $value",
        "client kill user nosuch",
        "client kill addr 127.0.0.1:1",
        "client kill laddr 127.0.0.1:1",
        "client kill 127.0.0.1:1",
        "client kill $value [$value]",
        "client kill id",
        "client no-evict $onoff",
        "client reply on",
        "client reply $value",
        "client pause $pause [write|all]",
        "client unpause",
        "client unblock {id:1} [timeout|error|nosuch]",
        "client unblock $value",
        "client getredir",
        "client trackinginfo",
        "client tracking off",
        "client caching yes",
        "client caching $value",
        "client help",
        "client nosuch",
        "client",
        "client setname",
        "client getname $value",
        "hello [2|3]",
        "hello $version",
        "!hello 3 setname $clientname",
        "!hello 2 auth default $value [setname x]",
        "hello 3 auth nosuch x",
        "hello 3 setname",
        "auth $value",
        "auth default $value",
        "auth nosuch $value",
        "auth",
        "reset",
        "select $db",
        "echo $value",
        "echo",
        "ping [$value]",
        "subscribe channel1",
        "unsubscribe channel1",
        "multi",
        "discard",
        "get $str",
        "watch $str",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "clientname" => draw
            .one(&[
                "one",
                "two",
                "",
                "with space",
                "with\nline",
                "a!b~",
                "\u{e9}",
            ])
            .to_owned(),
        "clienttype" => draw
            .one(&["normal", "pubsub", "PUBSUB", "replica", "master", "nosuch"])
            .to_owned(),
        "onoff" => draw.one(&["on", "off", "OFF", "maybe"]).to_owned(),
        "pause" => draw.one(&["-1", "x", "0"]).to_owned(),
        "version" => draw.one(&["1", "4", "x", "-2", "3.0", ""]).to_owned(),
        _ => return None,
    })
}
