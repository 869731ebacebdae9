//! `MULTI` and what belongs to it, and the connection's own state.

use crate::client::Server;

#[test]
fn transactions_queue_and_run() {
    let server = Server::start(4, &[]);
    server.connect().talk(&[
        ("EXEC", "-ERR EXEC without MULTI"),
        ("DISCARD", "-ERR DISCARD without MULTI"),
        ("MULTI", "+OK"),
        ("MULTI", "-ERR MULTI calls can not be nested"),
        ("WATCH a", "-ERR WATCH inside MULTI is not allowed"),
        ("SET a 1", "+QUEUED"),
        ("INCR a", "+QUEUED"),
        ("GET b", "+QUEUED"),
        ("MGET a b c", "+QUEUED"),
        ("EXEC", "*4 +OK :2 $-1 *3 $1 2 $-1 $-1"),
        ("MULTI", "+OK"),
        ("EXEC", "*0"),
        ("MULTI", "+OK"),
        ("SET a x", "+QUEUED"),
        ("INCR a", "+QUEUED"),
        (
            "EXEC",
            "*2 +OK -ERR value is not an integer or out of range",
        ),
        ("MULTI", "+OK"),
        ("SET a 9", "+QUEUED"),
        ("DISCARD", "+OK"),
        ("GET a", "$1 x"),
        ("MULTI", "+OK"),
        ("SET a 9", "+QUEUED"),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        (
            "EXEC",
            "-EXECABORT Transaction discarded because of previous errors.",
        ),
        ("GET a", "$1 x"),
        ("UNWATCH", "+OK"),
    ]);
}

#[test]
fn the_servers_commands_take_their_turn_in_a_transaction() {
    let server = Server::start(2, &[]);
    server.connect().talk(&[
        ("MULTI", "+OK"),
        ("PING", "+QUEUED"),
        ("SET a 0", "+QUEUED"),
        ("SELECT 1", "+QUEUED"),
        ("SET a 1", "+QUEUED"),
        ("SELECT 99", "+QUEUED"),
        ("GET a", "+QUEUED"),
        ("ECHO x", "+QUEUED"),
        (
            "EXEC",
            "*7 +PONG +OK +OK +OK -ERR DB index is out of range $1 1 $1 x",
        ),
        ("GET a", "$1 1"),
        ("SELECT 0", "+OK"),
        ("GET a", "$1 0"),
        ("MULTI", "+OK"),
        ("SELECT 3", "+QUEUED"),
        ("PING", "+QUEUED"),
        ("EXEC", "*2 +OK +PONG"),
        ("GET a", "$-1"),
    ]);
}

#[test]
fn watched_keys_decide() {
    let server = Server::start(4, &[]);
    let (mut one, mut other) = (server.connect(), server.connect());
    one.talk(&[("SET a 1", "+OK"), ("WATCH a b c", "+OK")]);
    other.talk(&[("SET c 1", "+OK")]);
    one.talk(&[
        ("MULTI", "+OK"),
        ("SET a 2", "+QUEUED"),
        ("PING", "+QUEUED"),
        ("EXEC", "*-1"),
        ("GET a", "$1 1"),
        // EXEC has forgotten what was watched.
        ("MULTI", "+OK"),
        ("SET a 2", "+QUEUED"),
        ("EXEC", "*1 +OK"),
        ("WATCH a", "+OK"),
        ("UNWATCH", "+OK"),
    ]);
    other.talk(&[("SET a 3", "+OK")]);
    one.talk(&[
        ("MULTI", "+OK"),
        ("GET a", "+QUEUED"),
        ("EXEC", "*1 $1 3"),
        ("WATCH a", "+OK"),
    ]);
    other.talk(&[("SET a 4", "+OK")]);
    one.talk(&[
        ("HELLO 3", "%7 $6 server $5 redis $7 version $6 7.0.15 $5 proto :3 $2 id :1 $4 mode $10 standalone $4 role $6 master $7 modules *0"),
        ("MULTI", "+OK"),
        ("EXEC", "_"),
    ]);
}

#[test]
fn a_connection_has_a_state_of_its_own() {
    let server = Server::start(2, &[]);
    let mut client = server.connect();
    client.talk(&[
        ("SELECT 3", "+OK"),
        ("SET a three", "+OK"),
        ("SELECT 16", "-ERR DB index is out of range"),
        ("SELECT x", "-ERR value is not an integer or out of range"),
        ("GET a", "$5 three"),
        ("HELLO 4", "-NOPROTO unsupported protocol version"),
        ("HELLO x", "-ERR Protocol version is not an integer or out of range"),
        ("HELLO 2 nope", "-ERR Syntax error in HELLO option 'nope'"),
        ("PING a b", "-ERR wrong number of arguments for 'ping' command"),
        ("PING hi", "$2 hi"),
        ("AUTH x", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"),
        ("AUTH default x", "+OK"),
        ("AUTH other x", "-WRONGPASS invalid username-password pair or user is disabled."),
    ]);
    client.ask("HELLO 3");
    client.talk(&[
        ("GET none", "_"),
        ("MULTI", "+OK"),
        ("RESET", "+RESET"),
        ("EXEC", "-ERR EXEC without MULTI"),
        ("GET a", "$-1"),
    ]);
}

#[test]
fn strangers_give_the_password_first() {
    let server = Server::start(1, &["requirepass=secret"]);
    let mut client = server.connect();
    client.talk(&[
        ("GET a", "-NOAUTH Authentication required."),
        ("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled."),
        ("HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"),
        ("AUTH secret", "+OK"),
        ("GET a", "$-1"),
        ("RESET", "+RESET"),
        ("GET a", "-NOAUTH Authentication required."),
    ]);
    client.send(format!("*2\r\n$3\r\nGET\r\n${}\r\n", 20_000));
    assert_eq!(
        client.reply(),
        "-ERR Protocol error: unauthenticated bulk length\r\n"
    );
    assert_eq!(client.reply(), "");
}

#[test]
fn what_is_no_reply_is_heard_though_replies_are_not_wanted() {
    let server = Server::start(2, &[]);
    let mut client = server.connect();
    client.send("CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\n");
    assert_eq!(client.reply(), "+OK\r\n");
    client.send("CLIENT REPLY SKIP\r\nPING\r\nECHO heard\r\n");
    assert_eq!(client.reply(), "$5\r\nheard\r\n");
    client.send("CLIENT REPLY OFF\r\nSUBSCRIBE a\r\n");
    assert_eq!(client.reply(), "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    client.send("UNSUBSCRIBE\r\nPING\r\nCLIENT REPLY ON\r\n");
    assert_eq!(
        client.reply(),
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"
    );
    assert_eq!(client.reply(), "+OK\r\n");
}
