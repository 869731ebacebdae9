//! Clients that listen to channels, or to everything.

use std::time::Duration;

use crate::client::Server;

#[test]
fn messages_reach_those_who_listen() {
    let server = Server::start(2, &[]);
    let (mut two, mut three, mut other) = (server.connect(), server.connect(), server.connect());
    three.ask("HELLO 3");
    two.talk(&[
        ("SUBSCRIBE news", "*3 $9 subscribe $4 news :1"),
        (
            "GET a",
            "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
             RESET are allowed in this context",
        ),
        ("PING", "*2 $4 pong $0"),
    ]);
    three.talk(&[
        ("PSUBSCRIBE n*", ">3 $10 psubscribe $2 n* :1"),
        ("GET a", "_"),
    ]);
    other.talk(&[("PUBLISH news hello", ":2"), ("PUBLISH other x", ":0")]);
    assert_eq!(
        two.reply(),
        "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"
    );
    assert_eq!(
        three.reply(),
        ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n"
    );
    other.talk(&[("SET k v", "+OK")]);
    two.talk(&[
        ("UNSUBSCRIBE", "*3 $11 unsubscribe $4 news :0"),
        ("GET k", "$1 v"),
    ]);
    drop(three);
    // A listener that has gone is no receiver.
    let gone = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        other.ask("PUBLISH news x") == ":0\r\n"
    });
    assert!(gone);
}

const MESSAGE: &str = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
const NO_MORE: &str = "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n";

/// What was published while a client was about to stop listening is heard before it is told so, and
/// nothing after: its next replies are those to its next commands.
#[test]
fn nothing_is_heard_after_the_last_word() {
    for shards in [1, 2] {
        let server = Server::start(shards, &["enable-debug-command=yes"]);
        let publishers = server.running().server().store.workers() - 1;
        let ends = [("UNSUBSCRIBE", NO_MORE), ("RESET", "+RESET\r\n")];
        for (end, told) in ends {
            let (mut listener, _) = server.connect_at(0);
            let (mut sleeper, _) = server.connect_at(0);
            let (mut publisher, _) = server.connect_at(publishers);
            listener.talk(&[("SUBSCRIBE news", "*3 $9 subscribe $4 news :1")]);
            // Both commands are there when the listener's worker looks again.
            sleeper.send("DEBUG STALL 0.2\r\n");
            std::thread::sleep(Duration::from_millis(50));
            publisher.send("PUBLISH news hello\r\n");
            std::thread::sleep(Duration::from_millis(50));
            listener.send(format!("{end}\r\nECHO next\r\n"));
            assert_eq!(publisher.reply(), ":1\r\n");
            for expected in [MESSAGE, told, "$4\r\nnext\r\n"] {
                assert_eq!(listener.reply(), expected, "{end} with {shards} shards");
            }
            listener.hears_nothing();
        }
    }
}

/// `RESET` ends monitoring too.
#[test]
fn who_resets_hears_no_commands() {
    let server = Server::start(1, &[]);
    let (mut monitor, mut other) = (server.connect(), server.connect());
    assert_eq!(monitor.ask("MONITOR"), "+OK\r\n");
    other.talk(&[("SET key value", "+OK")]);
    assert!(monitor.reply().ends_with("\"SET\" \"key\" \"value\"\r\n"));
    assert_eq!(monitor.ask("RESET"), "+RESET\r\n");
    other.talk(&[("SET key value", "+OK")]);
    monitor.hears_nothing();
}
