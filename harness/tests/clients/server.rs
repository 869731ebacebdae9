//! The servers that clients are driven against: `seawall serve`, and the originals.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::installed::{self, Missing};

/// Where Seawall's own errors go, in its folder.
const ERRORS: &str = "errors.txt";

/// Whose clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Redis,
    Memcached,
}

/// A server's process, ended with this.
pub struct Server {
    process: Child,
    redis_port: u16,
    memcached_port: u16,
    folder: tempfile::TempDir,
}

impl Server {
    /// The built program on this network loop, for clients of both kinds.
    pub fn seawall(net: &str) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let (redis_port, memcached_port) = (free_port(), free_port());
        let mut process = Command::new(env!("CARGO_BIN_EXE_seawall"))
            .args(["serve", "--shards", "2", "--net", net])
            .args(["--port", &redis_port.to_string()])
            .args(["--memcached-port", &memcached_port.to_string()])
            .args(["--set", "pin=no", "--set", "enable-debug-command=yes"])
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join(ERRORS)).expect("a file"))
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe"));
        lines.read_line(&mut line).expect("a line");
        assert!(line.starts_with("ready on "), "it said {line:?}");
        Server {
            process,
            redis_port,
            memcached_port,
            folder,
        }
    }

    /// The server whose protocol it is.
    pub fn original(protocol: Protocol) -> Result<Server, Missing> {
        let port = free_port();
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = match protocol {
            Protocol::Redis => {
                let mut command = Command::new(installed::program("redis-server")?);
                command
                    .args(["--port", &port.to_string(), "--save", "", "--dir"])
                    .arg(folder.path())
                    .args(["--enable-debug-command", "yes"]);
                command
            }
            Protocol::Memcached => {
                let mut command = Command::new(installed::program("memcached")?);
                command.args(["-l", "127.0.0.1", "-p", &port.to_string()]);
                command.args(["-U", "0", "-u", "nobody"]);
                command
            }
        };
        let process = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is there");
        let server = Server {
            process,
            redis_port: port,
            memcached_port: port,
            folder,
        };
        let begin = Instant::now();
        while TcpStream::connect(server.address(protocol)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "it listens");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    pub fn address(&self, protocol: Protocol) -> SocketAddr {
        let port = match protocol {
            Protocol::Redis => self.redis_port,
            Protocol::Memcached => self.memcached_port,
        };
        (Ipv4Addr::LOCALHOST, port).into()
    }

    /// Ends it as an operator does; it must say that all was well.
    pub fn stop(mut self) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
        assert!(sent.expect("a kill").success());
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait().expect("its status") {
                break status;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "it ends");
            std::thread::sleep(Duration::from_millis(5));
        };
        let errors = std::fs::read_to_string(self.folder.path().join(ERRORS));
        assert!(status.success(), "{status}: {}", errors.unwrap_or_default());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    seawall_sys::port::free().expect("a free port")
}
