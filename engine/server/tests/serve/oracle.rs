//! The scripts beside a real Redis 7.0 (`redis-server`, or the program that `REDIS_SERVER` names). What
//! is ours alone stands in scripts whose names begin with `own`.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::script;

/// A server's process, which ends with this.
struct Redis {
    process: Child,
    _folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Redis {
    fn start() -> Redis {
        let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let folder = tempfile::tempdir().expect("a folder");
        let port = address.port().to_string();
        let process = Command::new(&program)
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
            .arg("--dir")
            .arg(folder.path())
            .args(["--enable-debug-command", "yes"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error} (set REDIS_SERVER)"));
        let redis = Redis {
            process,
            _folder: folder,
            address,
        };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return redis;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{program} does not answer on {address}");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn scripts_equal_redis() {
    let mut failed = Vec::new();
    for file in script::files() {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("own") {
            continue;
        }
        let redis = Redis::start();
        let text = std::fs::read_to_string(&file).expect("a script");
        let (_, differences) = script::run(&text, redis.address);
        if !differences.is_empty() {
            failed.push(format!("{name}:\n{}", differences.join("\n")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
