//! `# Memory`.

use super::{Facts, Lines};

/// `# Memory`: `used_memory` is what the program took before it kept anything, keys, values, index and clients'
/// buffers, and so within a few percent of what is resident; `maxmemory` bounds `used_memory_dataset`.
pub(super) fn memory(facts: &Facts<'_>, lines: &mut Lines) {
    let figures = facts.figures;
    let used = figures.memory_bytes();
    let apart = figures.index_bytes + figures.client_bytes;
    let ratio = figures.resident_bytes as f64 / used.max(1) as f64;
    let mut both = |name: &str, bytes: u64| {
        lines.field(name, bytes);
        lines.field(&format!("{name}_human"), human(bytes));
    };
    both("used_memory", used);
    both("used_memory_rss", figures.resident_bytes);
    both("used_memory_peak", figures.peak_bytes);
    both("maxmemory", figures.maxmemory);
    both("total_system_memory", system_bytes().unwrap_or(0));
    lines.field(
        "used_memory_peak_perc",
        format_args!("{:.2}%", figures.peak_percent()),
    );
    lines.field("used_memory_overhead", figures.startup_bytes + apart);
    lines.field("used_memory_startup", figures.startup_bytes);
    lines.field("used_memory_dataset", figures.used_bytes);
    lines.field(
        "used_memory_dataset_perc",
        format_args!("{:.2}%", figures.dataset_percent()),
    );
    lines.field("used_memory_index", figures.index_bytes);
    lines.field("maxmemory_policy", &figures.policy);
    lines.field("mem_fragmentation_ratio", format_args!("{ratio:.2}"));
    lines.field(
        "mem_fragmentation_bytes",
        figures.resident_bytes as i64 - used as i64,
    );
    lines.field("mem_not_counted_for_evict", apart);
    lines.field("mem_replication_backlog", 0);
    lines.field("mem_total_replication_buffers", 0);
    lines.field("mem_clients_slaves", 0);
    lines.field("mem_clients_normal", figures.client_bytes);
    lines.field("mem_cluster_links", 0);
    lines.field("mem_allocator", "mimalloc");
    lines.field("active_defrag_running", 0);
    lines.field("lazyfree_pending_objects", figures.leaving);
}

/// Bytes of memory that the machine has.
fn system_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

/// Bytes as Redis writes them for people.
pub fn human(bytes: u64) -> String {
    let size = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes}B"),
        1024..0x10_0000 => format!("{:.2}K", size / 1024.0),
        0x10_0000..0x4000_0000 => format!("{:.2}M", size / 1_048_576.0),
        0x4000_0000..0x100_0000_0000 => format!("{:.2}G", size / 1_073_741_824.0),
        _ => format!("{:.2}T", size / 1_099_511_627_776.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, shown) in [
            (0, "0B"),
            (1023, "1023B"),
            (1_039_544, "1015.18K"),
            (12_492_800, "11.91M"),
            (25_276_518_400, "23.54G"),
            (1 << 40, "1.00T"),
        ] {
            assert_eq!(human(bytes), shown);
        }
    }

    #[test]
    fn the_machine_has_memory() {
        assert!(system_bytes().unwrap() > 1 << 20);
    }
}
