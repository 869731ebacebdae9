//! Snapshots that are asked for, and those that a save point asks for.

use std::time::{Duration, Instant};

use seawall_server::ending::Wish;

use crate::client::{Client, Server};

/// Waits until `INFO persistence` says so.
fn wait_for(client: &mut Client, field: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let text = client.ask("INFO persistence");
        if text.contains(field) {
            return;
        }
        assert!(Instant::now() < until, "{field} is not in {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn snapshots_are_made_when_asked_and_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = format!("dir={}", folder.path().display());
    let server = Server::start(2, &[&dir]);
    let mut client = server.connect();
    client.talk(&[("SET key value", "+OK"), ("SAVE", "+OK")]);
    wait_for(&mut client, "rdb_saves:1\r\n");
    wait_for(&mut client, "rdb_changes_since_last_save:0\r\n");
    client.talk(&[
        ("SET other value", "+OK"),
        ("BGSAVE", "+Background saving started"),
    ]);
    wait_for(&mut client, "rdb_saves:2\r\n");
    client.talk(&[
        ("CONFIG SET save \"1 2\"", "+OK"),
        ("SET third value", "+OK"),
    ]);
    wait_for(&mut client, "rdb_changes_since_last_save:1\r\n");
    client.talk(&[("DEL other", ":1")]);
    wait_for(&mut client, "rdb_saves:3\r\n");
    drop(client);
    server.stop();

    let server = Server::start(2, &[&dir]);
    let mut client = server.connect();
    client.talk(&[
        ("GET key", "$5 value"),
        ("GET other", "$-1"),
        ("GET third", "$5 value"),
    ]);
}

/// What `FLUSHALL` removed does not come back from an older snapshot: where there are save points one is
/// made, and what was changed before counts as saved.
#[test]
fn flushall_is_saved_where_there_are_save_points() {
    let unsaved = |client: &mut Client| {
        let text = client.ask("INFO persistence");
        let field = "rdb_changes_since_last_save:";
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        line.map(|count| count.parse::<u64>().expect("a number"))
    };
    for shards in [1, 2] {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = format!("dir={}", folder.path().display());
        let server = Server::start(shards, &[&dir]);
        let mut client = server.connect();
        client.talk(&[("SET key old", "+OK"), ("SAVE", "+OK")]);
        client.talk(&[("SET other value", "+OK"), ("FLUSHALL", "+OK")]);
        assert!(unsaved(&mut client) > Some(1), "without save points");
        client.talk(&[
            ("CONFIG SET save \"3600 1\"", "+OK"),
            ("SET key value", "+OK"),
            ("FLUSHALL", "+OK"),
        ]);
        assert_eq!(unsaved(&mut client), Some(0));
        // Who asks for one is not told that another is being made, which nobody asked for.
        client.talk(&[("FLUSHALL", "+OK"), ("SAVE", "+OK")]);
        client.talk(&[("MULTI", "+OK"), ("SET a 1", "+QUEUED")]);
        client.talk(&[("FLUSHALL", "+QUEUED"), ("EXEC", "*2 +OK +OK")]);
        assert_eq!(unsaved(&mut client), Some(0));
        client.talk(&[("FLUSHALL ASYNC", "+OK"), ("SET kept 1", "+OK")]);
        assert_eq!(unsaved(&mut client), Some(1));
        wait_for(&mut client, "rdb_bgsave_in_progress:0\r\n");
        wait_for(&mut client, "rdb_last_bgsave_status:ok\r\n");
        drop(client);
        server.stop();
        let server = Server::start(shards, &[&dir]);
        server.connect().talk(&[("EXISTS key other a", ":0")]);
    }
}

/// Without a folder no snapshot can be made, which is said at the start; the end does not wait for one.
#[test]
fn save_points_without_a_folder_are_told_of_and_hold_up_nothing() {
    let server = Server::start(1, &["save=1 1"]);
    let notices = server.running().notices();
    assert!(
        notices.iter().any(|notice| notice.contains("without dir")),
        "{notices:?}"
    );
    let mut client = server.connect();
    client.talk(&[("SET key value", "+OK"), ("FLUSHALL", "+OK")]);
    std::thread::sleep(Duration::from_millis(1_200));
    let text = client.ask("INFO persistence");
    assert!(text.contains("rdb_last_bgsave_status:ok\r\n"), "{text}");
    assert!(text.contains("rdb_changes_since_last_save:2\r\n"), "{text}");
    let ended = (server.running().server()).shut_down(Wish::default(), |error| panic!("{error}"));
    ended.expect("nobody ends it already");
    server.outcome().expect("it ends well");
}

/// What `INFO persistence` says of a number.
fn number(client: &mut Client, field: &str) -> u64 {
    let text = client.ask("INFO persistence");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no {field} in {text}"))
}

/// A file that cannot be written is a failure, of whatever shard it is: not the same as a snapshot that nobody wants.
#[test]
fn a_snapshot_that_fails_is_told_of_and_not_tried_again_at_once() {
    for shard in 0..2 {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = format!("dir={}", folder.path().display());
        let server = Server::start(2, &[&dir, "save="]);
        let mut client = server.connect();
        client.talk(&[("SET key value", "+OK")]);
        // Nothing can be written where a folder is.
        let taken = format!("{shard:05}-{:020}.snapshot", 1);
        std::fs::create_dir(folder.path().join(taken)).expect("a folder");
        client.talk(&[("BGSAVE", "+Background saving started")]);
        wait_for(&mut client, "rdb_last_bgsave_status:err\r\n");
        // A save point waits after a failure.
        client.talk(&[("CONFIG SET save \"1 1\"", "+OK")]);
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(number(&mut client, "rdb_saves"), 0);
        client.talk(&[("SAVE", "+OK")]);
        wait_for(&mut client, "rdb_last_bgsave_status:ok\r\n");
    }
}

/// The log goes on from a snapshot that is made when asked, or when the log has grown; what that covers is not
/// counted as log any more.
#[test]
fn the_log_is_rewritten_when_asked_and_when_it_has_grown() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = format!("dir={}", folder.path().display());
    let settings = [&*dir, "appendonly=yes", "auto-aof-rewrite-percentage=0"];
    let server = Server::start(2, &settings);
    let mut client = server.connect();
    for n in 0..200 {
        let count = format!(":{}", n + 1);
        client.talk(&[(&format!("SET key {n}"), "+OK"), ("INCR count", &count)]);
    }
    client.talk(&[("RPUSH list a b c", ":3")]);
    let before = number(&mut client, "aof_current_size");
    assert!(before > 5_000, "{before}");
    client.talk(&[(
        "BGREWRITEAOF",
        "+Background append only file rewriting started",
    )]);
    wait_for(&mut client, "aof_rewrites:1\r\n");
    wait_for(&mut client, "aof_rewrite_in_progress:0\r\n");
    let base = number(&mut client, "aof_base_size");
    assert_eq!(number(&mut client, "aof_current_size"), base);
    assert_eq!(number(&mut client, "rdb_saves"), 0);
    client.talk(&[("SET key last", "+OK"), ("LPOP list", "$1 a")]);
    drop(client);
    server.stop();

    let server = Server::start(2, &settings);
    let mut client = server.connect();
    client.talk(&[
        ("GET key", "$4 last"),
        ("GET count", "$3 200"),
        ("LRANGE list 0 -1", "*2 $1 b $1 c"),
        (
            "CONFIG SET auto-aof-rewrite-min-size 10kb auto-aof-rewrite-percentage 1",
            "+OK",
        ),
    ]);
    let value = "x".repeat(100_000);
    client.talk(&[(&format!("SET key {value}"), "+OK")]);
    wait_for(&mut client, "aof_rewrites:1\r\n");
    wait_for(&mut client, "aof_last_bgrewrite_status:ok\r\n");
    drop(client);
    server.stop();
}

/// One snapshot at a time: others are refused or scheduled, in Redis's words; a `FLUSHALL` gives it up, which is no
/// failure.
#[test]
fn one_snapshot_is_made_at_a_time_and_may_be_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = format!("dir={}", folder.path().display());
    let server = Server::start(2, &[&dir, "save-rate-limit=100kb"]);
    let mut client = server.connect();
    let value = "x".repeat(100_000);
    for n in 0..40 {
        client.talk(&[(&format!("SET key{n} {value}"), "+OK")]);
    }
    client.talk(&[
        ("BGSAVE", "+Background saving started"),
        ("BGSAVE", "-ERR Background save already in progress"),
        ("SAVE", "-ERR Background save already in progress"),
        (
            "BGREWRITEAOF",
            "+Background append only file rewriting scheduled",
        ),
    ]);
    wait_for(&mut client, "current_save_keys_total:40\r\n");
    assert_eq!(number(&mut client, "aof_rewrite_scheduled"), 1);
    client.talk(&[("FLUSHALL", "+OK"), ("SET after 1", "+OK")]);
    // What was scheduled follows.
    wait_for(&mut client, "aof_rewrites:1\r\n");
    wait_for(&mut client, "rdb_last_bgsave_status:ok\r\n");
    assert_eq!(number(&mut client, "rdb_saves"), 0);
    client.talk(&[
        ("MULTI", "+OK"),
        ("BGSAVE", "+QUEUED"),
        ("BGREWRITEAOF", "+QUEUED"),
        (
            "EXEC",
            "*2 +Background saving scheduled +Background append only file rewriting scheduled",
        ),
    ]);
    wait_for(&mut client, "rdb_saves:1\r\n");
    wait_for(&mut client, "aof_rewrites:2\r\n");
    drop(client);
    server.stop();
    let server = Server::start(2, &[&dir]);
    let mut client = server.connect();
    client.talk(&[("DBSIZE", ":1"), ("GET after", "$1 1")]);
    assert_eq!(number(&mut client, "rdb_last_load_keys_loaded"), 1);
}

/// Nobody waits for all keys to be loaded but who asks for all: no snapshot is made before they are.
#[test]
fn no_snapshot_is_made_while_keys_are_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = format!("dir={}", folder.path().display());
    let settings = [dir.as_str(), "enable-debug-command=yes"];
    let server = Server::start(1, &settings);
    let mut client = server.connect();
    client.talk(&[("DEBUG POPULATE 150000 key 100", "+OK"), ("SAVE", "+OK")]);
    drop(client);
    server.stop();

    let server = Server::start(1, &[settings[0], settings[1], "save=1 1"]);
    let mut client = server.connect();
    let loading = "-LOADING Redis is loading the dataset in memory";
    client.talk(&[
        ("SET new value", "+OK"),
        ("SAVE", loading),
        ("BGSAVE", loading),
        ("BGSAVE SCHEDULE", loading),
        ("BGREWRITEAOF", loading),
        ("EXISTS key:149999 new", ":2"),
    ]);
    // A save point waits, and nobody has to ask again.
    wait_for(&mut client, "loading:0\r\n");
    wait_for(&mut client, "rdb_saves:1\r\n");
    client.talk(&[
        ("DBSIZE", ":150001"),
        ("BGSAVE", "+Background saving started"),
    ]);
}
