//! Sockets that accept, and what the accepted ones inherit.
//!
//! The one idea: on Linux an accepted socket inherits its listener's options, so they are set once on
//! the listener and cost nothing per connection. A listener that cannot accept (no descriptors, no
//! memory) *rests*: it is left alone for a while, or until a connection closes, and its clients wait in
//! the kernel's backlog meanwhile.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::{getpeername, listen, sockopt};

use super::lobby::{Lobby, Seat};

/// How long a listener rests after a failure, unless a connection closes before.
const REST: Duration = Duration::from_millis(100);

/// Probes that go unanswered before a silent peer counts as gone.
const KEEP_ALIVE_PROBES: u32 = 3;

/// A socket that accepts connections, for one worker or for several.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// Those who accept on it.
    lobby: Arc<Lobby>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl From<Socket> for Listener {
    fn from(socket: Socket) -> Listener {
        Listener {
            socket,
            lobby: Arc::default(),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Listener {
        Socket::Tcp(listener).into()
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Listener {
        Socket::Unix(listener).into()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener) => listener.as_fd(),
        }
    }
}

impl Listener {
    /// Listens on `address`, with room for `backlog` connections that wait to be accepted (the kernel
    /// allows `net.core.somaxconn` at most).
    ///
    /// # Errors
    /// Where the address is taken, not this machine's, or forbidden.
    pub fn tcp(address: SocketAddr, backlog: u32) -> io::Result<Listener> {
        let listener = TcpListener::bind(address)?;
        deepen(&listener, backlog)?;
        Ok(listener.into())
    }

    /// Listens on a Unix socket at `path`, which must not exist.
    ///
    /// # Errors
    /// Where something is at the path, or the folder forbids it.
    pub fn unix(path: &Path, backlog: u32) -> io::Result<Listener> {
        let listener = UnixListener::bind(path)?;
        deepen(&listener, backlog)?;
        Ok(listener.into())
    }

    /// The same socket once more, for another worker's loop. Whoever accepts, each new connection goes to
    /// the worker that has the fewest.
    ///
    /// # Errors
    /// Where this process has no more descriptors.
    pub fn share(&self) -> io::Result<Listener> {
        let socket = match &self.socket {
            Socket::Tcp(listener) => Socket::Tcp(listener.try_clone()?),
            Socket::Unix(listener) => Socket::Unix(listener.try_clone()?),
        };
        Ok(Listener {
            socket,
            lobby: self.lobby.clone(),
        })
    }

    /// The address that it has got; `None` for a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// A place among those who accept on it.
    pub(super) fn seat(&self) -> Seat {
        Seat::take(&self.lobby)
    }

    /// Makes it ready for a loop: nothing blocks, and replies leave at once.
    pub(super) fn prepare(&self, keep_alive_s: u32) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                sockopt::set_tcp_nodelay(listener, true)?;
            }
            Socket::Unix(listener) => listener.set_nonblocking(true)?,
        }
        self.keep_alive(keep_alive_s)
    }

    /// Asks after `seconds` of silence, then at thirds of it, whether the peer is still there; 0: never.
    pub(super) fn keep_alive(&self, seconds: u32) -> io::Result<()> {
        if let Socket::Tcp(listener) = &self.socket {
            sockopt::set_socket_keepalive(listener, seconds > 0)?;
            if seconds > 0 {
                let interval = Duration::from_secs(u64::from(seconds / KEEP_ALIVE_PROBES).max(1));
                sockopt::set_tcp_keepidle(listener, Duration::from_secs(seconds.into()))?;
                sockopt::set_tcp_keepintvl(listener, interval)?;
                sockopt::set_tcp_keepcnt(listener, KEEP_ALIVE_PROBES)?;
            }
        }
        Ok(())
    }

    /// What `socket`, accepted here, calls its peer.
    pub(super) fn peer(&self, socket: BorrowedFd<'_>) -> String {
        match &self.socket {
            // A peer that is already gone has no name.
            Socket::Tcp(_) => getpeername(socket)
                .ok()
                .flatten()
                .and_then(|peer| SocketAddr::try_from(peer).ok())
                .map_or_else(|| "?:0".to_owned(), |peer| peer.to_string()),
            Socket::Unix(listener) => {
                let own = listener.local_addr().ok();
                let path = own.as_ref().and_then(|own| own.as_pathname());
                path.map_or_else(|| "?:0".to_owned(), |path| format!("{}:0", path.display()))
            }
        }
    }
}

/// Listening again changes a listener's backlog alone.
fn deepen(listener: impl AsFd, backlog: u32) -> io::Result<()> {
    Ok(listen(listener, backlog.min(i32::MAX as u32) as i32)?)
}

/// Whether a listener that failed may try again.
#[derive(Default)]
pub(super) struct Rest {
    until: Option<Instant>,
}

impl Rest {
    pub(super) fn begin(&mut self, now: Instant) {
        self.until = Some(now + REST);
    }

    /// A descriptor is free again.
    pub(super) fn cut_short(&mut self, now: Instant) {
        self.until = self.until.map(|until| until.min(now));
    }

    /// When it ends; `None` where there is no rest.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Whether a rest is over now, and so none any more.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        let over = self.until.is_some_and(|until| until <= now);
        if over {
            self.until = None;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use rustix::net::{SocketFlags, accept_with, sockopt};

    use super::Listener;

    #[test]
    fn accepted_sockets_inherit_the_options() {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), 16).unwrap();
        let address = listener.address().unwrap();
        listener.prepare(90).unwrap();
        let accept = || {
            let peer = TcpStream::connect(address).unwrap();
            let socket = accept_with(&listener, SocketFlags::CLOEXEC).unwrap();
            let named = listener.peer(std::os::fd::AsFd::as_fd(&socket));
            assert_eq!(named, peer.local_addr().unwrap().to_string());
            socket
        };
        let socket = accept();
        assert!(sockopt::tcp_nodelay(&socket).unwrap());
        assert!(sockopt::socket_keepalive(&socket).unwrap());
        let seconds = Duration::from_secs;
        assert_eq!(sockopt::tcp_keepidle(&socket).unwrap(), seconds(90));
        assert_eq!(sockopt::tcp_keepintvl(&socket).unwrap(), seconds(30));
        assert_eq!(sockopt::tcp_keepcnt(&socket).unwrap(), 3);
        listener.keep_alive(0).unwrap();
        assert!(!sockopt::socket_keepalive(accept()).unwrap());
        assert!(
            sockopt::socket_keepalive(socket).unwrap(),
            "as it was accepted"
        );
    }
}
