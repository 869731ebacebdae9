//! Who and what there is: `# Clients`, `# Replication`, `# Cluster`, `# Keyspace`.

use std::sync::atomic::Ordering;

use super::{Facts, Lines};

/// `# Clients`
pub(super) fn clients(facts: &Facts<'_>, lines: &mut Lines) {
    let cards = facts.server.clients.all();
    let blocked = cards
        .iter()
        .filter(|card| {
            let flags = [&card.blocked, &card.paused];
            flags.iter().any(|flag| flag.load(Ordering::Relaxed))
        })
        .count();
    let [input, output] = facts.figures.longest_buffers;
    lines.field("connected_clients", cards.len());
    lines.field("cluster_connections", 0);
    lines.field("maxclients", facts.settings.text("maxclients"));
    lines.field("client_recent_max_input_buffer", input);
    lines.field("client_recent_max_output_buffer", output);
    lines.field("blocked_clients", blocked);
    lines.field("tracking_clients", 0);
    lines.field("clients_in_timeout_table", 0);
}

/// `# Replication`: a master without replicas.
pub(super) fn replication(facts: &Facts<'_>, lines: &mut Lines) {
    lines.field("role", "master");
    lines.field("connected_slaves", 0);
    lines.field("master_failover_state", "no-failover");
    lines.field("master_replid", &facts.server.run_id);
    lines.field("master_replid2", "0".repeat(40));
    lines.field("master_repl_offset", 0);
    lines.field("second_repl_offset", -1);
    lines.field("repl_backlog_active", 0);
    lines.field("repl_backlog_size", 0);
    lines.field("repl_backlog_first_byte_offset", 0);
    lines.field("repl_backlog_histlen", 0);
}

/// `# Cluster`
pub(super) fn cluster(_facts: &Facts<'_>, lines: &mut Lines) {
    lines.field("cluster_enabled", 0);
}

/// `# Keyspace`
pub(super) fn keyspace(facts: &Facts<'_>, lines: &mut Lines) {
    for (number, database) in facts.figures.used_databases() {
        lines.field(
            &format!("db{number}"),
            format_args!(
                "keys={},expires={},avg_ttl=0",
                database.keys, database.expires
            ),
        );
    }
}
