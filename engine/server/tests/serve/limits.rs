//! Clients that break the protocol, take too much, or are too many.

use crate::client::Server;

#[test]
fn what_is_no_protocol_is_answered_and_closed() {
    let server = Server::start(1, &[]);
    for (sent, told) in [
        ("*x\r\n", "invalid multibulk length"),
        ("*2147483648\r\n", "invalid multibulk length"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$536870913\r\n", "invalid bulk length"),
        ("*1\r\nPING\r\n", "expected '$', got 'P'"),
        ("SET a \"b\r\n", "unbalanced quotes in request"),
    ] {
        let mut client = server.connect();
        client.send(format!("PING\r\n{sent}PING\r\n"));
        assert_eq!(client.reply(), "+PONG\r\n");
        assert_eq!(client.reply(), format!("-ERR Protocol error: {told}\r\n"));
        assert_eq!(client.reply(), "");
    }
    let mut browser = server.connect();
    browser.send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nFLUSHALL\r\n");
    assert_eq!(browser.reply(), "");
}

#[test]
fn too_many_clients_are_told_so() {
    let server = Server::start(1, &["maxclients=3"]);
    let mut clients: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.ask("PING"), "+PONG\r\n");
    }
    let mut late = server.connect();
    assert_eq!(late.reply(), "-ERR max number of clients reached\r\n");
    assert_eq!(late.reply(), "");
    let mut first = clients.remove(0);
    assert_eq!(first.ask("QUIT"), "+OK\r\n");
    assert_eq!(first.reply(), "");
    // The place is free as soon as the server knows.
    let again = (0..100).any(|_| server.connect().ask("PING") == "+PONG\r\n");
    assert!(again, "a place was free");
}

#[test]
fn a_password_holds_for_whoever_comes_after_it_was_set() {
    let server = Server::start(2, &[]);
    let mut admin = server.connect();
    for _ in 0..100 {
        assert_eq!(admin.ask("CONFIG SET requirepass sesame"), "+OK\r\n");
        let mut late = server.connect();
        assert_eq!(late.ask("PING"), "-NOAUTH Authentication required.\r\n");
        assert_eq!(admin.ask("CONFIG SET requirepass \"\""), "+OK\r\n");
        assert_eq!(server.connect().ask("PING"), "+PONG\r\n");
    }
}

#[test]
fn who_came_while_there_was_a_password_needs_none_once_it_is_taken_back() {
    let server = Server::start(2, &[]);
    let mut admin = server.connect();
    // Of either worker, as it comes.
    for _ in 0..8 {
        assert_eq!(admin.ask("CONFIG SET requirepass sesame"), "+OK\r\n");
        let mut late = server.connect();
        let refused = "-NOAUTH Authentication required.\r\n";
        assert_eq!(late.ask("PING"), refused);
        assert_eq!(admin.ask("CONFIG SET requirepass \"\""), "+OK\r\n");
        assert_eq!(late.ask("PING"), "+PONG\r\n");
        assert!(
            late.ask("HELLO")
                .starts_with("-NOAUTH HELLO must be called")
        );
        assert_eq!(admin.ask("CONFIG SET requirepass sesame"), "+OK\r\n");
        assert_eq!(late.ask("PING"), refused);
        assert_eq!(admin.ask("CONFIG SET requirepass \"\""), "+OK\r\n");
    }
}

#[test]
fn who_sends_more_than_a_query_may_have_is_dropped() {
    let server = Server::start(1, &["client-query-buffer-limit=1mb"]);
    let mut client = server.connect();
    client.send(format!(
        "*2\r\n$4\r\nECHO\r\n$900000\r\n{}\r\n",
        "x".repeat(900_000)
    ));
    assert_eq!(client.reply().len(), 900_011);
    client.send("*2\r\n$4\r\nECHO\r\n$1048577\r\n");
    assert_eq!(client.reply(), "");
    let mut hoarder = server.connect();
    assert_eq!(hoarder.ask("MULTI"), "+OK\r\n");
    let value = "x".repeat(300_000);
    let kept = (0..10).take_while(|_| hoarder.call(&["SET", "a", &value]) == "+QUEUED\r\n");
    assert_eq!(kept.count(), 3);
}

#[test]
fn who_does_not_read_is_dropped() {
    let server = Server::start(1, &["client-output-buffer-limit=normal 4mb 0 0"]);
    let mut slow = server.connect();
    let mut other = server.connect();
    assert_eq!(slow.call(&["SET", "big", &"x".repeat(60_000)]), "+OK\r\n");
    let replies = 1_000;
    slow.send("GET big\r\n".repeat(replies));
    // It is dropped while others are served.
    let dropped = (0..500).any(|_| {
        assert_eq!(other.ask("PING"), "+PONG\r\n");
        std::thread::sleep(std::time::Duration::from_millis(10));
        server.running().server().clients.count() == 1
    });
    assert!(dropped, "the client that does not read is still there");
}

#[test]
fn who_reads_late_gets_everything() {
    let server = Server::start(2, &[]);
    let mut slow = server.connect();
    assert_eq!(
        slow.call(&["SET", "big", &"x".repeat(1_000_000)]),
        "+OK\r\n"
    );
    let replies = 100;
    slow.send("GET big\r\n".repeat(replies)).send("PING\r\n");
    for _ in 0..replies {
        assert_eq!(slow.reply().len(), 1_000_000 + 12);
    }
    assert_eq!(slow.reply(), "+PONG\r\n");
}

#[test]
fn who_reads_too_slowly_is_dropped_after_the_soft_limits_time() {
    let server = Server::start(1, &["client-output-buffer-limit=normal 0 100000 1"]);
    let mut slow = server.connect();
    assert_eq!(
        slow.call(&["SET", "big", &"x".repeat(1_000_000)]),
        "+OK\r\n"
    );
    let begin = std::time::Instant::now();
    slow.send("GET big\r\n".repeat(30));
    let clients = &server.running().server().clients;
    while clients.count() > 0 {
        assert!(begin.elapsed() < std::time::Duration::from_secs(5));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(begin.elapsed() >= std::time::Duration::from_secs(1));
}

#[test]
fn the_silent_are_dropped_after_the_timeout() {
    let server = Server::start(1, &["timeout=1"]);
    let mut client = server.connect();
    let mut listener = server.connect();
    assert_eq!(listener.ask("MONITOR"), "+OK\r\n");
    assert_eq!(client.ask("PING"), "+PONG\r\n");
    assert_eq!(client.reply(), "");
    // Who hears what others do may be silent.
    assert!(listener.reply().ends_with("\"PING\"\r\n"));
    assert_eq!(server.running().server().clients.count(), 1);
}

#[test]
fn who_sends_no_more_and_reads_late_gets_everything() {
    let server = Server::start(2, &[]);
    let mut slow = server.connect();
    assert_eq!(
        slow.call(&["SET", "big", &"x".repeat(1_000_000)]),
        "+OK\r\n"
    );
    let replies = 100;
    slow.send("GET big\r\n".repeat(replies)).finish();
    for _ in 0..replies {
        assert_eq!(slow.reply().len(), 1_000_000 + 12);
    }
    assert_eq!(slow.reply(), "");
}

#[test]
fn those_who_go_in_the_middle_leave_nothing_behind() {
    let server = Server::start(4, &[]);
    let parts = [
        "SET a 1\r\n".repeat(300),
        "MSET a 1 b 2 c 3\r\n".repeat(50),
        "MULTI\r\nSET a 1\r\nSELECT 1\r\nSET b 1\r\nEXEC\r\n".repeat(50),
        "WATCH a b c\r\nMULTI\r\nINCR a\r\n".to_owned(),
        "BLPOP x y z 0\r\n".to_owned(),
        "SUBSCRIBE x y\r\nPSUBSCRIBE z\r\n".to_owned(),
        "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000\r\nhalf".to_owned(),
        "CLIENT REPLY OFF\r\nMGET a b c\r\nWAIT 1 0\r\n".to_owned(),
    ];
    for round in 0..5 {
        let mut clients: Vec<_> = parts.iter().map(|_| server.connect()).collect();
        for (client, part) in clients.iter_mut().zip(&parts) {
            client.send(part);
            if round % 2 == 0 {
                client.finish();
            }
        }
        drop(clients);
    }
    let clients = &server.running().server().clients;
    let gone = (0..1_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        clients.count() == 0
    });
    assert!(gone, "{} clients are left", clients.count());
    // Nothing is owed, so the end comes at once and not when the farewell is over.
    let begin = std::time::Instant::now();
    server.stop();
    assert!(begin.elapsed() < std::time::Duration::from_secs(1));
}
