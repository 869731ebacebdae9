//! `seawall serve`, as a process: its start, its end, its folder.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A server that is ended with the test.
pub(crate) struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    pub(crate) fn start(args: &[&str]) -> Served {
        Served::spawn(command(args))
    }

    pub(crate) fn spawn(mut command: Command) -> Served {
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        let address = line
            .trim_end()
            .strip_prefix("ready on ")
            .and_then(|addresses| addresses.split(", ").next())
            .and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{command:?} said {line:?}"));
        Served { child, address }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Says a line, and reads one.
    pub(crate) fn ask(&self, line: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it accepts");
        let timeout = Some(Duration::from_secs(10));
        stream.set_read_timeout(timeout).expect("a timeout");
        write!(stream, "{line}\r\n").expect("it reads");
        let mut reply = String::new();
        let mut lines = BufReader::new(stream);
        lines.read_line(&mut reply).expect("a reply");
        if reply.starts_with('$') && reply != "$-1\r\n" {
            reply.clear();
            lines.read_line(&mut reply).expect("the rest of it");
        }
        reply.trim_end().to_owned()
    }

    /// Says lines, and reads all that is replied.
    pub(crate) fn ask_all(&self, lines: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it accepts");
        let timeout = Some(Duration::from_secs(10));
        stream.set_read_timeout(timeout).expect("a timeout");
        write!(stream, "{lines}\r\nQUIT\r\n").expect("it reads");
        let mut replies = String::new();
        stream.read_to_string(&mut replies).expect("replies");
        let farewell = replies.strip_suffix("+OK\r\n");
        farewell.expect("the reply to QUIT").to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("a kill").success());
    }

    /// The exit status, which must come soon.
    fn status(&mut self) -> i32 {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status.code().expect("it ended by itself");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("seawall"));
    command
        .args(["serve", "--port", "0", "--shards", "2", "--set", "pin=no"])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a start that must fail says.
fn refusal(args: &[&str]) -> (Option<i32>, String) {
    let output: Output = command(args).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[test]
fn serves_until_it_is_told_to_end() {
    for net in ["uring", "epoll"] {
        for signal in ["TERM", "INT"] {
            let mut served = Served::start(&["--net", net]);
            assert!(served.address.ip().is_loopback() && served.address.port() > 0);
            assert_eq!(served.ask("SET a 1"), "+OK");
            assert_eq!(served.ask("GET a"), "1");
            let mut asked = TcpStream::connect(served.address).expect("it accepts");
            asked.write_all(b"INCR a\r\n").expect("it reads");
            let mut reply = [0; 4];
            asked.read_exact(&mut reply).expect("a reply");
            assert_eq!(&reply, b":2\r\n");
            served.signal(signal);
            assert_eq!(served.status(), 0, "{net} {signal}");
            assert_eq!(asked.read(&mut reply).expect("the end"), 0);
        }
    }
}

#[test]
fn what_was_logged_is_there_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("made/by/serve");
    let dir = dir.to_str().expect("a name");
    let args = [
        "--dir",
        dir,
        "--set",
        "appendonly=yes",
        "--set",
        "appendfsync=no",
    ];
    let mut served = Served::start(&args);
    for number in 0..100 {
        assert_eq!(served.ask(&format!("SET key:{number} {number}")), "+OK");
    }
    served.signal("TERM");
    assert_eq!(served.status(), 0);
    let served = Served::start(&args);
    assert_eq!(served.ask("DBSIZE"), ":100");
    assert_eq!(served.ask("GET key:42"), "42");
}

/// Where the log cannot be written nothing is acknowledged, under `appendfsync no` neither, and the end says so, too.
#[test]
fn a_log_that_ends_too_early_is_told_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("a name");
    let logged = ["--dir", dir, "--set", "appendonly=yes"];
    let plain = command(&[&logged[..], &["--set", "appendfsync=no"]].concat());
    // Files of this process end at 32 KiB, as on a full disk.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(plain.get_program())
        .args(plain.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut served = Served::spawn(limited);
    let value = "x".repeat(40 << 10);
    let refused = served.ask(&format!("SET key {value}"));
    assert!(refused.starts_with("-MISCONF "), "{refused}");
    served.signal("TERM");
    assert_eq!(served.status(), 1);
    let mut told = String::new();
    let mut stderr = served.child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut told).expect("text");
    assert!(
        told.contains("error: the end of the append-only file may be lost: "),
        "{told}"
    );
}

#[test]
fn a_folder_belongs_to_one_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("a name");
    let mut served = Served::start(&["--dir", dir]);
    let (status, text) = refusal(&["--dir", dir]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("in use by another process"), "{text}");
    assert_eq!(served.ask("PING"), "+PONG");
    served.signal("TERM");
    assert_eq!(served.status(), 0);
    let again = Served::start(&["--dir", dir]);
    assert_eq!(again.ask("PING"), "+PONG");
}

#[test]
fn a_taken_port_and_wrong_parameters_are_told() {
    let served = Served::start(&[]);
    let port = served.address.port().to_string();
    let (status, text) = refusal(&["--set", &format!("port={port}")]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("cannot listen on 127.0.0.1"), "{text}");
    for (args, told) in [
        (["--set", "maxmemroy=1gb"], "maxmemory"),
        (["--set", "maxmemory=much"], "maxmemory"),
        (["--set", "maxmemory"], "NAME=VALUE"),
        (["--set", "appendonly=yes"], "dir"),
        (["--set", "bind=nowhere"], "bind"),
        (["--net", "carrier-pigeon"], "uring"),
    ] {
        let (status, text) = refusal(&args);
        assert_eq!(status, Some(2), "{args:?}: {text}");
        assert!(text.contains(told), "{args:?}: {text}");
    }
}

#[test]
fn a_file_says_what_the_command_line_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("seawall.toml");
    std::fs::write(&file, "databases = 3\nmaxclients = 50\n").expect("a file");
    let file = file.to_str().expect("a name");
    let served = Served::start(&[file, "--set", "databases=5"]);
    assert_eq!(served.ask("SELECT 4"), "+OK");
    assert_eq!(served.ask("SELECT 5"), "-ERR DB index is out of range");
    std::fs::write(Path::new(file), "databases = 3\nmaxclient = 50\n").expect("a file");
    let (status, text) = refusal(&[file]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains(":2") && text.contains("maxclients"), "{text}");
}
