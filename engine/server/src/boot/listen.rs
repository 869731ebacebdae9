//! The sockets that `bind`, `port` and `unixsocket` ask for.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use super::ServeError;
use crate::config::Settings;
use crate::connection::Language;
use crate::net::Listener;
use crate::worker::Door;

/// How long a port may still be taken by a server that was killed: the kernel ends a ring of `io_uring`, and what it
/// listens at, a little after its process.
const LINGERS_MAX: Duration = Duration::from_millis(500);
/// How often it is tried meanwhile.
const LOOK: Duration = Duration::from_millis(5);

/// All sockets, and the addresses of those of TCP.
pub(super) struct Opened {
    pub(super) doors: Vec<Door>,
    /// For Redis's clients.
    pub(super) addresses: Vec<SocketAddr>,
    /// For Memcached's.
    pub(super) memcached: Vec<SocketAddr>,
}

/// Opens them all. Where a free port is asked for, all addresses
/// get the one that the first gets.
pub(super) fn open(settings: &Settings) -> Result<Opened, ServeError> {
    let backlog = settings.number("tcp-backlog") as u32;
    let mut doors = Vec::new();
    let port = settings.number("port") as u16;
    let addresses = tcp(settings, port, Language::Resp, backlog, &mut doors)?;
    let port = settings.number("memcached-port") as u16;
    let memcached = match port {
        0 => Vec::new(),
        port => tcp(settings, port, Language::Memcached, backlog, &mut doors)?,
    };
    let path = settings.text("unixsocket");
    if !path.is_empty() {
        let listener = unix(Path::new(path), backlog).map_err(|source| ServeError::Listen {
            address: path.to_owned(),
            source,
        })?;
        doors.push(Door {
            listener,
            address: format!("{path}:0"),
            language: Language::Resp,
        });
    }
    Ok(Opened {
        doors,
        addresses,
        memcached,
    })
}

/// Listens at `port` of every address of `bind`, for clients that speak `language`; gives the addresses.
fn tcp(
    settings: &Settings,
    mut port: u16,
    language: Language,
    backlog: u32,
    doors: &mut Vec<Door>,
) -> Result<Vec<SocketAddr>, ServeError> {
    let mut addresses = Vec::new();
    for word in settings.text("bind").split_whitespace() {
        let (word, may_be_missing) = match word.strip_prefix('-') {
            Some(word) => (word, true),
            None => (word, false),
        };
        for ip in addresses_of(word)? {
            let address = SocketAddr::new(ip, port);
            let opened = listen(address, backlog)
                .and_then(|listener| Ok((listener.share()?, local_address(&listener, address))));
            match opened {
                Ok((listener, local)) => {
                    port = local.port();
                    addresses.push(local);
                    doors.push(Door {
                        listener,
                        address: local.to_string(),
                        language,
                    });
                }
                Err(_) if may_be_missing && !addresses.is_empty() => {}
                Err(source) => {
                    let address = address.to_string();
                    return Err(ServeError::Listen { address, source });
                }
            }
        }
    }
    Ok(addresses)
}

/// Listens at `address`, once whoever was killed there has let go of it.
fn listen(address: SocketAddr, backlog: u32) -> std::io::Result<Listener> {
    let begin = Instant::now();
    loop {
        match Listener::tcp(address, backlog) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && begin.elapsed() < LINGERS_MAX => {
                std::thread::sleep(LOOK);
            }
            opened => return opened,
        }
    }
}

fn local_address(listener: &Listener, asked: SocketAddr) -> SocketAddr {
    listener.address().unwrap_or(asked)
}

/// The addresses that a word of `bind` means.
fn addresses_of(word: &str) -> Result<Vec<IpAddr>, ServeError> {
    match word {
        "*" => Ok(vec![Ipv4Addr::UNSPECIFIED.into()]),
        "::*" => Ok(vec![Ipv6Addr::UNSPECIFIED.into()]),
        "localhost" => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
        _ => {
            let ip = word.parse().map_err(|_| ServeError::Value {
                name: "bind",
                value: word.to_owned(),
                accepted: "addresses such as 127.0.0.1, ::1, 0.0.0.0 or * are accepted".to_owned(),
            })?;
            Ok(vec![ip])
        }
    }
}

/// A Unix socket; what a server that is gone has left there is removed.
fn unix(path: &Path, backlog: u32) -> std::io::Result<Listener> {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    Listener::unix(path, backlog)
}
