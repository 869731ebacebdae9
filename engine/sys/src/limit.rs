//! Limits that the kernel sets on this process: open descriptors.
#![expect(unsafe_code, reason = "the limits are foreign calls")]

use std::io;

/// How many descriptors this process may have open.
///
/// # Errors
/// What the kernel says.
pub fn descriptors() -> io::Result<u64> {
    read().map(|limit| limit.rlim_cur)
}

/// Raises the limit on open descriptors to `wanted`, or as near as this process may; never lowers it.
/// The limit that holds then.
///
/// # Errors
/// What the kernel says where it tells no limit at all.
pub fn raise_descriptors(wanted: u64) -> io::Result<u64> {
    let now = read()?;
    if now.rlim_cur >= wanted {
        return Ok(now.rlim_cur);
    }
    let beyond = libc::rlimit {
        rlim_cur: wanted,
        rlim_max: now.rlim_max.max(wanted),
    };
    // Only the privileged may go beyond the hard limit.
    if set(&beyond).is_err() {
        let within = libc::rlimit {
            rlim_cur: wanted.min(now.rlim_max),
            rlim_max: now.rlim_max,
        };
        set(&within)?;
    }
    descriptors()
}

fn read() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a place for one limit, valid for the call.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if status == 0 {
        Ok(limit)
    } else {
        Err(io::Error::last_os_error())
    }
}

fn set(limit: &libc::rlimit) -> io::Result<()> {
    // SAFETY: the kernel copies the limit, which is valid for the call.
    let status = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, limit) };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::{descriptors, raise_descriptors};

    #[test]
    fn raising_never_lowers() {
        let before = descriptors().unwrap();
        assert_eq!(raise_descriptors(1).unwrap(), before);
        let raised = raise_descriptors(before + 1).unwrap();
        assert!(raised == before || raised == before + 1, "{raised}");
        assert_eq!(descriptors().unwrap(), raised);
        // More than any kernel allows: as near as may be, and no error.
        assert!(raise_descriptors(1 << 40).unwrap() >= raised);
    }
}
