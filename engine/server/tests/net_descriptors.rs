//! A loop whose process has no descriptors left: it rests instead of spinning, and goes on when it can.
//! A test binary of its own, since it takes them all.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};
use seawall_server::net::{Event, LOOPS, Listener, Net};
use seawall_sys::usage::thread_cpu;

/// Turns for `time`; how many connections were accepted and how many turns it took. Echoes.
fn turn_for(net: &mut dyn Net, wake: &impl AsFd, time: Duration) -> (usize, usize) {
    let start = Instant::now();
    let (mut accepted, mut turns) = (0, 0);
    while start.elapsed() < time {
        let mut received = Vec::new();
        net.turn(time, wake.as_fd(), &mut |event| match event {
            Event::Accepted { .. } => accepted += 1,
            Event::Received { conn, bytes } => received.push((conn, bytes.to_vec())),
            _ => {}
        })
        .unwrap();
        for (conn, bytes) in received {
            net.send(conn, &bytes);
        }
        turns += 1;
    }
    (accepted, turns)
}

#[test]
fn without_descriptors_it_rests() {
    const CLIENTS: usize = 10;
    for entry in LOOPS {
        println!("loop: {}", entry.name);
        let mut net = (entry.open)().unwrap().net;
        let wake = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), 128).unwrap();
        let address = listener.address().unwrap();
        net.listen(listener).unwrap();
        assert_eq!(
            turn_for(&mut *net, &wake, Duration::from_millis(10)).0,
            0,
            "nobody is there yet"
        );

        // The kernel completes their connections without anyone accepting.
        let mut clients: Vec<_> = (0..CLIENTS)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let mut taken = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            taken.push(file);
        }
        let cpu = thread_cpu();
        let (accepted, turns) = turn_for(&mut *net, &wake, Duration::from_millis(500));
        let spent = thread_cpu().saturating_sub(cpu);
        assert_eq!(accepted, 0, "there was no descriptor");
        assert!(turns < 50, "{turns} turns");
        assert!(spent < Duration::from_millis(200), "{spent:?} of CPU");

        // Two are free: two come in, and one more when one of them has gone.
        taken.truncate(taken.len() - 2);
        let (accepted, _) = turn_for(&mut *net, &wake, Duration::from_millis(500));
        assert_eq!(accepted, 2);
        drop(taken);
        let (accepted, _) = turn_for(&mut *net, &wake, Duration::from_millis(500));
        assert_eq!(accepted, CLIENTS - 2);
        for client in &mut clients {
            client.write_all(b"ping").unwrap();
        }
        turn_for(&mut *net, &wake, Duration::from_millis(200));
        for client in &mut clients {
            let mut heard = [0; 4];
            client.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"ping");
        }
        assert_eq!(net.connections(), CLIENTS);
    }
}
