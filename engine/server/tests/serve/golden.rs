//! Golden scripts against a whole server. Beside a real Redis 7.0 they run too, where the feature
//! `redis-oracle` is on (`oracle`).

use crate::client::Server;
use crate::script;

#[test]
fn scripts() {
    let mut failed = Vec::new();
    for file in script::files() {
        let server = Server::start(2, &["enable-debug-command=yes"]);
        let text = std::fs::read_to_string(&file).expect("a script");
        let (answered, differences) = script::run(&text, server.running().addresses()[0]);
        server.stop();
        if std::env::var_os("SEAWALL_BLESS").is_some() {
            std::fs::write(&file, answered).expect("the script can be written");
        } else if !differences.is_empty() {
            failed.push(format!("{}:\n{}", file.display(), differences.join("\n")));
        }
    }
    assert!(
        failed.is_empty(),
        "{}\nSEAWALL_BLESS=1 takes what is answered now",
        failed.join("\n")
    );
}
