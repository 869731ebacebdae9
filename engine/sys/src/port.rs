//! Ports for servers that cannot be asked to pick one themselves.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// The ports that this process hands out: above the well known, below those that the kernel gives to
/// whoever names none.
const FIRST: u16 = 10_000;
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// Where the kernel's ports begin where it does not say.
const KERNELS: u16 = 32_768;

/// How many ports this process has looked at.
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// A port on which nobody on this machine listens at this moment, and which this process was not given
/// before.
///
/// Asking the kernel for one and letting it go again hands it to the next connection that anybody opens;
/// these lie outside the range from which it gives, so only another process that asks here (and begins
/// elsewhere, by its number) or that was configured so can take it.
///
/// # Errors
/// Where none is left.
pub fn free() -> io::Result<u16> {
    let kernels = std::fs::read_to_string(RANGE).ok();
    let kernels = kernels.and_then(|words| words.split_whitespace().next()?.parse().ok());
    let end = kernels.filter(|&end| end > FIRST).unwrap_or(KERNELS);
    let ports = u32::from(end - FIRST);
    let begin = std::process::id().wrapping_mul(0x9E37_79B9);
    for _ in 0..ports {
        let at = begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % ports;
        let port = FIRST + u16::try_from(at).map_err(io::Error::other)?;
        match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
            Ok(_) => return Ok(port),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
    let none = format!("no port from {FIRST} to {end} is free");
    Err(io::Error::new(io::ErrorKind::AddrInUse, none))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_twice_gets_two_that_the_kernel_does_not_give() {
        let (one, other) = (free().unwrap(), free().unwrap());
        assert_ne!(one, other);
        let given = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let given = given.local_addr().unwrap().port();
        assert!(one.max(other) < given, "{one} {other} {given}");
    }
}
