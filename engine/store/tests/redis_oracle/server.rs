//! A redis-server of the test's own, and a connection to it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use seawall_store::Reply;

/// A server's process, which ends with this.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server (`redis-server`, or the program that `REDIS_SERVER` names).
pub struct Server {
    _process: Process,
    port: u16,
}

impl Server {
    pub fn start() -> Server {
        let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let process = Command::new(&program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--hash-max-listpack-entries", "128"])
            .args(["--rdbcompression", "no"])
            .args(["--notify-keyspace-events", "AKEmn"])
            .stdout(Stdio::null())
            .spawn()
            .map_or_else(
                |error| panic!("{program}: {error} (set REDIS_SERVER)"),
                Process,
            );
        let server = Server {
            _process: process,
            port,
        };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{program} does not answer on port {port}");
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        Connection {
            stream,
            received: Vec::new(),
        }
    }
}

/// A connection to a server.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub fn send(&mut self, commands: &[Vec<Vec<u8>>]) {
        let mut bytes = Vec::new();
        for words in commands {
            write!(bytes, "*{}\r\n", words.len()).expect("memory");
            for word in words {
                write!(bytes, "${}\r\n", word.len()).expect("memory");
                bytes.extend_from_slice(word);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        self.stream.write_all(&bytes).expect("the server listens");
    }

    /// The bytes of the next reply.
    pub fn receive(&mut self) -> Vec<u8> {
        loop {
            if let Some((_, used)) = Reply::parse(&self.received) {
                return self.received.drain(..used).collect();
            }
            let mut chunk = [0; 16384];
            let read = self.stream.read(&mut chunk).expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            self.received.extend_from_slice(&chunk[..read]);
        }
    }

    /// The reply to a command, given with spaces between its words.
    pub fn ask(&mut self, words: &str) -> Vec<u8> {
        self.send(&[words
            .split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()]);
        self.receive()
    }
}
