//! Waking a loop that sleeps, from another thread, and not waking it otherwise.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::each_loop;
use crate::host::{new_wake, wake};

#[test]
fn every_wake_up_ends_a_sleep() {
    const WAKES: usize = 200;
    each_loop(|make| {
        let mut net = make().unwrap().net;
        let fd = Arc::new(new_wake());
        let woken = Arc::new(AtomicUsize::new(0));
        let (other_fd, other_woken) = (fd.clone(), woken.clone());
        let waker = thread::spawn(move || {
            for i in 0..WAKES {
                // Each is sent once the one before has been seen: a lost one would stop the test.
                while other_woken.load(Ordering::SeqCst) < i {
                    thread::yield_now();
                }
                if i % 3 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
                wake(&other_fd);
            }
        });
        let start = Instant::now();
        let mut left = 0;
        for i in 1..=WAKES {
            net.turn(Duration::from_secs(30), fd.as_fd(), &mut |event| {
                panic!("{event:?}")
            })
            .unwrap();
            // It was emptied, so that the next turn can sleep. A turn may also end for nothing, and the wake-up come
            // right behind it.
            left += usize::from(rustix::io::read(&*fd, &mut [0; 8]).is_ok());
            woken.store(i, Ordering::SeqCst);
        }
        assert!(left < WAKES / 10, "{left} wake-ups were not taken");
        waker.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(20), "slept through");
    });
}

#[test]
fn a_wake_up_before_the_turn_counts() {
    each_loop(|make| {
        let mut net = make().unwrap().net;
        let fd = new_wake();
        for _ in 0..3 {
            wake(&fd);
            wake(&fd);
            let start = Instant::now();
            net.turn(Duration::from_secs(30), fd.as_fd(), &mut |_| {})
                .unwrap();
            assert!(start.elapsed() < Duration::from_secs(20));
        }
    });
}

/// A turn may end early for the kernel's own reasons, such as a signal, but not as a habit.
#[test]
fn quiet_turns_sleep() {
    each_loop(|make| {
        let mut net = make().unwrap().net;
        let fd = new_wake();
        let mut quiet = |wait| {
            net.turn(wait, fd.as_fd(), &mut |event| panic!("{event:?}"))
                .unwrap();
        };
        let start = Instant::now();
        quiet(Duration::ZERO);
        quiet(Duration::ZERO);
        assert!(start.elapsed() < Duration::from_secs(5));
        let start = Instant::now();
        (0..10).for_each(|_| quiet(Duration::from_millis(30)));
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(200), "{took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    });
}
