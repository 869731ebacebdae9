//! The ring against real files, full and broken ones among them, and under a filter that forbids it.
#![expect(
    unsafe_code,
    reason = "the test puts a system call filter before its own thread"
)]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use seawall_sys::ring::{Completion, Op, Ring, Sockets};

/// A ring, or the reason printed and none.
fn ring(entries: u32) -> Option<Ring> {
    Ring::new(entries)
        // Past the test harness, which keeps to itself what a test prints that passes.
        .inspect_err(|error| writeln!(std::io::stderr(), "skipped: {error}").expect("it is open"))
        .ok()
}

fn finish(ring: &mut Ring) -> Vec<Completion> {
    let mut done = Vec::new();
    while ring.in_flight() > 0 {
        ring.wait().unwrap();
        done.extend(ring.reap());
    }
    done
}

fn open(path: &std::path::Path) -> Arc<File> {
    Arc::new(
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .unwrap(),
    )
}

#[test]
fn linked_write_and_sync() {
    let Some(mut ring) = ring(8) else { return };
    Ring::available().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = open(&folder.path().join("log"));
    ring.write_then_sync(7, &file, 3, b"abc".to_vec()).unwrap();
    ring.nop(9).unwrap();
    let mut done = finish(&mut ring);
    done.sort_by_key(|done| (done.token, done.op == Op::Sync));
    let seen: Vec<_> = done
        .iter()
        .map(|d| (d.token, d.op, *d.result.as_ref().unwrap()))
        .collect();
    assert_eq!(seen, [(7, Op::Write, 3), (7, Op::Sync, 0), (9, Op::Nop, 0)]);
    assert_eq!(done[0].bytes, b"abc", "the buffer comes back");
    let mut read = [0; 6];
    file.read_exact_at(&mut read, 0).unwrap();
    assert_eq!(&read, b"\0\0\0abc");
}

#[test]
fn a_failed_write_cancels_its_sync() {
    let Some(mut ring) = ring(8) else { return };
    // Every write to this device fails with ENOSPC.
    let full = Arc::new(OpenOptions::new().write(true).open("/dev/full").unwrap());
    ring.write_then_sync(1, &full, 0, vec![1; 100]).unwrap();
    let done = finish(&mut ring);
    assert_eq!(done.len(), 2);
    for done in done {
        let error = done.result.unwrap_err().raw_os_error();
        let expected = if done.op == Op::Write {
            libc::ENOSPC
        } else {
            libc::ECANCELED
        };
        assert_eq!(error, Some(expected));
    }
}

#[test]
fn a_full_ring_gives_the_buffer_back() {
    let Some(mut ring) = ring(2) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = open(&folder.path().join("log"));
    for token in 0..ring.room() as u64 {
        ring.write(token, &file, token, vec![b'a' + token as u8])
            .unwrap();
    }
    assert_eq!(ring.room(), 0);
    assert_eq!(
        ring.write(9, &file, 0, b"kept".to_vec()).unwrap_err().bytes,
        b"kept"
    );
    assert!(ring.sync(9, &file).is_err());
    assert!(ring.nop(9).is_err());
    assert_eq!(finish(&mut ring).len(), 2);
    // With room for one only, a pair is refused whole.
    ring.nop(0).unwrap();
    assert!(ring.write_then_sync(1, &file, 0, b"x".to_vec()).is_err());
    assert_eq!(finish(&mut ring).len(), 1);
    assert_eq!(fs::read(folder.path().join("log")).unwrap(), b"ab");
}

#[test]
fn dropping_waits_for_what_is_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for round in 0..20u8 {
        let Some(mut ring) = ring(16) else { return };
        let file = open(&path);
        for i in 0..8 {
            ring.write_then_sync(i, &file, i << 16, vec![round; 1 << 16])
                .unwrap();
        }
        if round % 2 == 0 {
            ring.submit().unwrap();
        }
        // The ring holds the file open as well as the buffers.
        drop(file);
        drop(ring);
        assert_eq!(fs::read(&path).unwrap(), vec![round; 8 << 16]);
    }
}

#[test]
fn forbidden_is_told_with_the_reason() {
    std::thread::spawn(|| {
        forbid_io_uring();
        let error = Ring::new(8).err().expect("the filter forbids it");
        assert!(error.reason.contains("forbidden"), "{error}");
        assert_eq!(error.source.unwrap().raw_os_error(), Some(libc::EPERM));
        assert!(Ring::available().is_err());
        let error = Sockets::new(4, 64).err().expect("the filter forbids it");
        assert!(error.reason.contains("forbidden"), "{error}");
    })
    .join()
    .unwrap();
}

/// From now on `io_uring_setup` fails with `EPERM` on this thread.
fn forbid_io_uring() {
    let jump = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let ret = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        // The number of the system call is the first word of `seccomp_data`.
        step((libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, 0, 0, 0),
        step(jump, 0, 1, libc::SYS_io_uring_setup as u32),
        step(ret, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(ret, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, which is valid during the call; the filter binds this
    // thread alone.
    let status = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            | libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            )
    };
    assert_eq!(status, 0, "{}", std::io::Error::last_os_error());
}
