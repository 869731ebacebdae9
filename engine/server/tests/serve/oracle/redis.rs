//! A redis-server of the test's own (`redis-server`, or the program that `REDIS_SERVER` names).

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server's process, which ends with this.
pub struct Redis {
    process: Child,
    _folder: tempfile::TempDir,
    pub address: SocketAddr,
}

impl Redis {
    pub fn start() -> Redis {
        let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let port = seawall_sys::port::free().expect("a free port");
        let folder = tempfile::tempdir().expect("a folder");
        let process = Command::new(&program)
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .arg("--dir")
            .arg(folder.path())
            .args(["--enable-debug-command", "yes"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error} (set REDIS_SERVER)"));
        let redis = Redis {
            process,
            _folder: folder,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        };
        for _ in 0..200 {
            if TcpStream::connect(redis.address).is_ok() {
                return redis;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{program} does not answer on {}", redis.address);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
