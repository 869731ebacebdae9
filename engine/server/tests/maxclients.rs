//! A server whose process may have few descriptors: it takes as many clients as it can, and says so. A test
//! binary of its own, since the limit is the process's.

use rustix::process::{Resource, Rlimit, setrlimit};
use seawall_server::config::Settings;

#[test]
fn as_many_clients_as_there_are_descriptors() {
    let few = Rlimit {
        current: Some(200),
        maximum: Some(300),
    };
    setrlimit(Resource::Nofile, few).unwrap();
    let mut settings = Settings::default();
    for assignment in ["port=0", "shards=1", "pin=no", "maxclients=1000000000"] {
        settings.assign(assignment).unwrap();
    }
    let running = seawall_server::serve(settings, None).unwrap();
    let limits = running.server().limits();
    // The privileged may go beyond what they were given, up to what the kernel allows anyone.
    let allowed = rustix::process::getrlimit(Resource::Nofile)
        .current
        .unwrap();
    assert!(allowed >= 300, "{allowed}");
    assert_eq!(limits.clients as u64, allowed - 32);
    let told = format!("it is {} now", allowed - 32);
    assert!(
        running.notices().iter().any(|line| line.contains(&told)),
        "{:?}",
        running.notices()
    );
    running.stop();
    running.wait().unwrap();
}
