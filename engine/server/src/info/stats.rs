//! Counts: `# Persistence`, `# Stats`.

use seawall_store::keyspace::Loading;

use super::{Facts, Lines};
use crate::pubsub::Topic;
use crate::saving::Purpose;

/// `# Persistence`
pub(super) fn persistence(facts: &Facts<'_>, lines: &mut Lines) {
    let server = facts.server;
    let past = server.saving.past();
    let since = server.saving.since(Purpose::Save);
    let rewrites_since = server.saving.since(Purpose::Rewrite);
    let rewrites = &past.rewrites;
    let progress = server.store.save_progress();
    let is_making = since.or(rewrites_since).is_some();
    let seconds = |seconds: Option<u64>| seconds.map_or(-1, |seconds| seconds as i64);
    let status = if past.failure.is_some() { "err" } else { "ok" };
    let appends = facts.settings.yes("appendonly");
    lines.field("loading", u8::from(facts.figures.loading.is_some()));
    lines.field("async_loading", 0);
    // There are no child processes: what a snapshot takes is what it keeps besides.
    let extra = |whether: bool| if whether { progress.extra_bytes } else { 0 };
    lines.field("current_cow_peak", extra(is_making));
    lines.field("current_cow_size", extra(is_making));
    lines.field("current_cow_size_age", 0);
    lines.field("current_fork_perc", format_args!("{:.2}", 0.0));
    let keys = |keys| if is_making { keys } else { 0 };
    lines.field("current_save_keys_processed", keys(progress.keys_done));
    lines.field("current_save_keys_total", keys(progress.keys));
    lines.field(
        "rdb_changes_since_last_save",
        server.saving.unsaved(server.store.changes()),
    );
    lines.field("rdb_bgsave_in_progress", u8::from(since.is_some()));
    lines.field("rdb_last_save_time", past.last.0 / 1000);
    lines.field("rdb_last_bgsave_status", status);
    lines.field("rdb_last_bgsave_time_sec", seconds(past.took_s));
    let going_on = since.map(|since| facts.now.since(since) / 1000);
    lines.field("rdb_current_bgsave_time_sec", seconds(going_on));
    lines.field("rdb_saves", past.count);
    lines.field("rdb_last_cow_size", past.extra_bytes);
    let loaded = server.store.recovered().iter();
    let loaded: u64 = loaded.map(|shard| shard.snapshot_keys).sum();
    lines.field("rdb_last_load_keys_expired", 0);
    lines.field("rdb_last_load_keys_loaded", loaded);
    lines.field("aof_enabled", u8::from(appends));
    lines.field(
        "aof_rewrite_in_progress",
        u8::from(rewrites_since.is_some()),
    );
    let is_scheduled = server.saving.is_scheduled(Purpose::Rewrite);
    lines.field("aof_rewrite_scheduled", u8::from(is_scheduled));
    lines.field("aof_last_rewrite_time_sec", seconds(rewrites.took_s));
    let going_on = rewrites_since.map(|since| facts.now.since(since) / 1000);
    lines.field("aof_current_rewrite_time_sec", seconds(going_on));
    let status = if rewrites.failure.is_some() {
        "err"
    } else {
        "ok"
    };
    lines.field("aof_last_bgrewrite_status", status);
    lines.field("aof_rewrites", rewrites.count);
    lines.field("aof_rewrites_consecutive_failures", rewrites.failures);
    let failed = server.store.log_failures().count();
    lines.field(
        "aof_last_write_status",
        if failed == 0 { "ok" } else { "err" },
    );
    if appends {
        let log = &facts.figures.log;
        let (base_bytes, bytes) = server.store.log_bytes();
        lines.field("aof_current_size", bytes);
        lines.field("aof_base_size", base_bytes);
        lines.field("aof_pending_rewrite", 0);
        lines.field("aof_buffer_length", log.buffered_bytes);
        lines.field("aof_unsynced_bytes", log.written_bytes - log.synced_bytes);
        lines.field("aof_syncs", log.syncs);
        lines.field("aof_sync_usec", log.sync_time.as_micros());
        lines.field("aof_longest_sync_usec", log.sync_time_max.as_micros());
    }
    if let Some((shard, failure)) = server.store.log_failure() {
        lines.field("aof_failed_shards", failed);
        lines.field("aof_failed_shard", shard);
        lines.field("aof_failure", failure);
    }
    if let Some(loading) = facts.figures.loading {
        told_loading(facts, loading, lines);
    }
}

/// How far shards are that serve while keys of their snapshots are still to be loaded.
fn told_loading(facts: &Facts<'_>, loading: Loading, lines: &mut Lines) {
    let started = facts.server.since;
    let percent = loading.loaded_bytes as f64 * 100.0 / loading.bytes.max(1) as f64;
    let elapsed = facts.now.since(started) / 1000;
    let left = loading.bytes.saturating_sub(loading.loaded_bytes);
    let eta = u128::from(elapsed) * u128::from(left) / u128::from(loading.loaded_bytes.max(1));
    lines.field("loading_start_time", started.0 / 1000);
    lines.field("loading_total_bytes", loading.bytes);
    lines.field("loading_rdb_used_mem", facts.figures.used_bytes);
    lines.field("loading_loaded_bytes", loading.loaded_bytes);
    lines.field("loading_loaded_perc", format_args!("{percent:.2}"));
    // Redis says 1 where it cannot know.
    lines.field(
        "loading_eta_seconds",
        if loading.loaded_bytes == 0 { 1 } else { eta },
    );
}

/// `# Stats`
pub(super) fn stats(facts: &Facts<'_>, lines: &mut Lines) {
    let server = facts.server;
    let (sum, rates) = (server.traffic.sum(), server.traffic.rates());
    let figures = facts.figures;
    let errors: u64 = server
        .calls
        .errors_by_word()
        .iter()
        .map(|(_, count)| count)
        .sum();
    lines.field("total_connections_received", sum.accepted.get());
    lines.field("total_commands_processed", server.calls.total());
    lines.field("instantaneous_ops_per_sec", rates.commands.round());
    lines.field("total_net_input_bytes", sum.input_bytes.get());
    lines.field("total_net_output_bytes", sum.output_bytes.get());
    lines.field("total_net_repl_input_bytes", 0);
    lines.field("total_net_repl_output_bytes", 0);
    lines.field(
        "instantaneous_input_kbps",
        format_args!("{:.2}", rates.input_bytes / 1024.0),
    );
    lines.field(
        "instantaneous_output_kbps",
        format_args!("{:.2}", rates.output_bytes / 1024.0),
    );
    lines.field("rejected_connections", sum.rejected.get());
    lines.field("sync_full", 0);
    lines.field("sync_partial_ok", 0);
    lines.field("sync_partial_err", 0);
    lines.field("expired_keys", figures.expired);
    lines.field("evicted_keys", figures.evicted);
    lines.field("evicted_clients", sum.evicted.get());
    lines.field("keyspace_hits", figures.hits);
    lines.field("keyspace_misses", figures.misses);
    lines.field("pubsub_channels", server.pubsub.count_of(Topic::Channel));
    lines.field("pubsub_patterns", server.pubsub.count_of(Topic::Pattern));
    lines.field(
        "pubsubshard_channels",
        server.pubsub.count_of(Topic::ShardChannel),
    );
    lines.field("latest_fork_usec", 0);
    lines.field("total_forks", 0);
    lines.field("migrate_cached_sockets", 0);
    lines.field("slave_expires_tracked_keys", 0);
    lines.field("tracking_total_keys", 0);
    lines.field("tracking_total_items", 0);
    lines.field("tracking_total_prefixes", 0);
    lines.field("unexpected_error_replies", 0);
    lines.field("total_error_replies", errors);
    lines.field("total_reads_processed", sum.reads.get());
    lines.field("total_writes_processed", sum.writes.get());
    // Watched while `latency-monitor-threshold` is above 0; 0 otherwise.
    lines.field("longest_turn_usec", server.extremes.longest_turn_us());
}
