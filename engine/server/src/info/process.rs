//! The process: `# Server`, `# CPU`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Facts, Lines};
use crate::command::connection::REDIS_VERSION;

/// `# Server`
pub(super) fn server(facts: &Facts<'_>, lines: &mut Lines) {
    let uname = rustix::system::uname();
    let uptime_s = facts.now.since(facts.server.since) / 1000;
    let micros = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_micros());
    let executable = std::env::current_exe().unwrap_or_default();
    let file = facts
        .server
        .settings
        .file()
        .map(|file| file.display().to_string());
    lines.field("redis_version", REDIS_VERSION);
    lines.field("seawall_version", env!("CARGO_PKG_VERSION"));
    // What Redis says where it was not built in its repository.
    lines.field("redis_git_sha1", "00000000");
    lines.field("redis_git_dirty", 0);
    lines.field("redis_mode", "standalone");
    lines.field(
        "os",
        format_args!(
            "{} {} {}",
            uname.sysname().to_string_lossy(),
            uname.release().to_string_lossy(),
            uname.machine().to_string_lossy()
        ),
    );
    lines.field("arch_bits", usize::BITS);
    lines.field("multiplexing_api", facts.settings.text("net"));
    lines.field("process_id", std::process::id());
    lines.field("process_supervised", "no");
    lines.field("run_id", &facts.server.run_id);
    lines.field("tcp_port", facts.settings.text("port"));
    lines.field("server_time_usec", micros);
    lines.field("uptime_in_seconds", uptime_s);
    lines.field("uptime_in_days", uptime_s / 86_400);
    lines.field("hz", facts.settings.text("hz"));
    lines.field("configured_hz", facts.settings.text("hz"));
    // Redis's clock of idle times: seconds, 24 bits.
    lines.field("lru_clock", (facts.now.0 / 1000) & 0x00ff_ffff);
    lines.field("executable", executable.display());
    lines.field("config_file", file.unwrap_or_default());
    lines.field(
        "io_threads_active",
        u8::from(facts.server.store.workers() > 1),
    );
    lines.field("shards", facts.server.store.shards());
    lines.field("workers", facts.server.store.workers());
}

/// `# CPU`
pub(super) fn cpu(_facts: &Facts<'_>, lines: &mut Lines) {
    let [user, system, children_user, children_system] = cpu_seconds().unwrap_or_default();
    for (name, seconds) in [
        ("used_cpu_sys", system),
        ("used_cpu_user", user),
        ("used_cpu_sys_children", children_system),
        ("used_cpu_user_children", children_user),
    ] {
        lines.field(name, format_args!("{seconds:.6}"));
    }
}

/// Seconds of CPU time of this process and of its ended children, user and system each.
pub fn cpu_seconds() -> Option<[f64; 4]> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in brackets, may hold anything; fields are counted behind it.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks_per_s = rustix::param::clock_ticks_per_second() as f64;
    let mut ticks = fields.split_ascii_whitespace().skip(11);
    let mut next = || Some(ticks.next()?.parse::<f64>().ok()? / ticks_per_s);
    Some([next()?, next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::cpu_seconds;

    #[test]
    fn cpu_time_grows() {
        let before = cpu_seconds().unwrap();
        let clock = seawall_sys::usage::process_cpu();
        let mut sum = 0_u64;
        let enough = clock + std::time::Duration::from_millis(50);
        while seawall_sys::usage::process_cpu() < enough {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let after = cpu_seconds().unwrap();
        assert!(
            after[0] + after[1] > before[0] + before[1],
            "{before:?} {after:?}"
        );
    }
}
