//! Cost: nodes and transfer between zones and regions at list prices.
//!
//! `ElastiCache` for Valkey, us-east-1, on demand, USD an hour (AWS Price List, read 2026-10-02). Transfer
//! between zones is 0.01 USD/GB in each direction; the side of the client's EC2 instance is billed, and
//! replication between nodes is not. What leaves a region for another one is billed whoever sends it: 0.02 to
//! 0.09 USD/GB by pair of regions (guides to AWS's prices, 2026), of which this is the least, as for regions that are near.
//! One backup is free, each GB of the others 0.085 USD a month (`ElastiCache`, Backup costs, 2023).

use crate::scenario::Scenario;
use crate::world::CrossZone;

/// Hours of a month, as AWS's calculator counts.
const HOURS: f64 = 730.0;
/// USD for a GB that crosses a zone's border.
const TRANSFER_USD_PER_GB: f64 = 0.01;
/// USD for a GB that leaves a region for another one.
const REGION_TRANSFER_USD_PER_GB: f64 = 0.02;
/// USD for a GB of backups that is kept for a month.
const BACKUP_USD_PER_GB: f64 = 0.085;

/// Node types and their price in USD an hour.
const NODE_TYPES: &[(&str, f64)] = &[
    ("cache.t2.micro", 0.0136),
    ("cache.t2.small", 0.0272),
    ("cache.t2.medium", 0.0544),
    ("cache.t3.micro", 0.0136),
    ("cache.t3.small", 0.0272),
    ("cache.t3.medium", 0.0544),
    ("cache.t4g.micro", 0.0128),
    ("cache.t4g.small", 0.0256),
    ("cache.t4g.medium", 0.052),
    ("cache.m5.large", 0.1248),
    ("cache.m5.xlarge", 0.2488),
    ("cache.m5.2xlarge", 0.4984),
    ("cache.m5.4xlarge", 0.996),
    ("cache.m5.12xlarge", 2.9952),
    ("cache.m5.24xlarge", 5.9904),
    ("cache.m6g.large", 0.1192),
    ("cache.m6g.xlarge", 0.2376),
    ("cache.m6g.2xlarge", 0.4744),
    ("cache.m6g.4xlarge", 0.9488),
    ("cache.m6g.8xlarge", 1.8976),
    ("cache.m6g.12xlarge", 2.8456),
    ("cache.m6g.16xlarge", 3.7944),
    ("cache.m7g.large", 0.1264),
    ("cache.m7g.xlarge", 0.252),
    ("cache.m7g.2xlarge", 0.5032),
    ("cache.m7g.4xlarge", 1.0056),
    ("cache.m7g.8xlarge", 2.0112),
    ("cache.m7g.12xlarge", 3.016),
    ("cache.m7g.16xlarge", 4.0224),
    ("cache.m8g.large", 0.1266),
    ("cache.m8g.xlarge", 0.2531),
    ("cache.m8g.2xlarge", 0.5062),
    ("cache.m8g.4xlarge", 1.0125),
    ("cache.m8g.8xlarge", 2.025),
    ("cache.m8g.12xlarge", 3.0375),
    ("cache.m8g.16xlarge", 4.05),
    ("cache.r5.large", 0.1728),
    ("cache.r5.xlarge", 0.3448),
    ("cache.r5.2xlarge", 0.6896),
    ("cache.r5.4xlarge", 1.3792),
    ("cache.r5.12xlarge", 4.1472),
    ("cache.r5.24xlarge", 8.2944),
    ("cache.r6g.large", 0.1648),
    ("cache.r6g.xlarge", 0.3288),
    ("cache.r6g.2xlarge", 0.6568),
    ("cache.r6g.4xlarge", 1.3136),
    ("cache.r6g.8xlarge", 2.6272),
    ("cache.r6g.12xlarge", 3.94),
    ("cache.r6g.16xlarge", 5.2536),
    ("cache.r6gd.xlarge", 0.6248),
    ("cache.r6gd.2xlarge", 1.248),
    ("cache.r6gd.4xlarge", 2.496),
    ("cache.r6gd.8xlarge", 4.992),
    ("cache.r6gd.12xlarge", 7.4864),
    ("cache.r6gd.16xlarge", 9.9816),
    ("cache.r7g.large", 0.1752),
    ("cache.r7g.xlarge", 0.3496),
    ("cache.r7g.2xlarge", 0.6984),
    ("cache.r7g.4xlarge", 1.396),
    ("cache.r7g.8xlarge", 2.7928),
    ("cache.r7g.12xlarge", 4.188),
    ("cache.r7g.16xlarge", 5.5848),
    ("cache.r8g.large", 0.1756),
    ("cache.r8g.xlarge", 0.3511),
    ("cache.r8g.2xlarge", 0.7022),
    ("cache.r8g.4xlarge", 1.4044),
    ("cache.r8g.8xlarge", 2.8088),
    ("cache.r8g.12xlarge", 4.2132),
    ("cache.r8g.16xlarge", 5.6177),
    ("cache.c7gn.large", 0.204),
    ("cache.c7gn.xlarge", 0.4072),
    ("cache.c7gn.2xlarge", 0.8144),
    ("cache.c7gn.4xlarge", 1.6296),
    ("cache.c7gn.8xlarge", 3.2584),
    ("cache.c7gn.12xlarge", 4.888),
    ("cache.c7gn.16xlarge", 6.5176),
];

fn price(node_type: &str) -> Option<f64> {
    NODE_TYPES
        .iter()
        .find(|(name, _)| *name == node_type)
        .map(|&(_, usd)| usd)
}

/// Checks a node type's name.
pub(crate) fn check_node_type(name: &str) -> Result<(), String> {
    price(name).map(drop).ok_or_else(|| {
        let accepted: Vec<_> = NODE_TYPES.iter().map(|(name, _)| *name).collect();
        format!(
            "unknown node type \"{name}\"; accepted: {}",
            accepted.join(", ")
        )
    })
}

/// So many nodes, in the mean, for a month, the backups that are kept, and the transfer of a month at the rate of the run.
pub(crate) fn usd_per_month(
    scenario: &Scenario,
    nodes: f64,
    crossed: CrossZone,
    run_ms: u64,
) -> f64 {
    let nodes_usd = price(&scenario.node_type).unwrap_or(0.0) * HOURS * nodes;
    nodes_usd
        + gb_per_hour(crossed.client_bytes, run_ms) * HOURS * TRANSFER_USD_PER_GB
        + region_usd_per_month(crossed, run_ms)
        + backup_usd_per_month(scenario)
}

/// Of that, the backups beyond the free one.
pub(crate) fn backup_usd_per_month(scenario: &Scenario) -> f64 {
    let paid = scenario.backups_kept.saturating_sub(1);
    (paid * scenario.backup_gb) as f64 * BACKUP_USD_PER_GB
}

/// Of that, what crosses regions.
pub(crate) fn region_usd_per_month(crossed: CrossZone, run_ms: u64) -> f64 {
    gb_per_hour(crossed.region_bytes, run_ms) * HOURS * REGION_TRANSFER_USD_PER_GB
}

fn gb_per_hour(bytes: u64, run_ms: u64) -> f64 {
    bytes as f64 / 1e9 * 3_600_000.0 / run_ms as f64
}

/// USD for a million ops that are answered, where so many are in a second; none where nothing is.
pub(crate) fn usd_per_million_ops(usd_per_month: f64, answered_per_s: f64) -> Option<f64> {
    let millions = answered_per_s * HOURS * 3600.0 / 1e6;
    (millions > 0.0).then(|| usd_per_month / millions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_costs_what_the_list_says() {
        let scenario = Scenario::built_in();
        assert_eq!(scenario.node_type, "cache.r7g.large");
        let crossed = CrossZone {
            client_bytes: 1_000_000_000,
            replication_bytes: 5,
            region_bytes: 0,
        };
        // Three nodes at 0.1752 USD, and 1 GB in 10 s is 262.8 TB a month.
        let usd = usd_per_month(&scenario, 3.0, crossed, 10_000);
        assert!(
            (usd - (3.0 * 0.1752 * 730.0 + 262_800.0 * 0.01)).abs() < 0.001,
            "{usd}"
        );
        // A GB between regions costs twice as much as one between zones, and is a figure of its own.
        let crossed = CrossZone {
            region_bytes: 1_000_000_000,
            ..crossed
        };
        let with_region = usd_per_month(&scenario, 3.0, crossed, 10_000);
        assert!((with_region - usd - 262_800.0 * 0.02).abs() < 0.001);
        assert!((with_region - usd - region_usd_per_month(crossed, 10_000)).abs() < 0.001);
        // Of seven backups of 39 GB one is free.
        let mut kept = Scenario::built_in();
        (kept.backups_kept, kept.backup_gb) = (7, 39);
        let with_backups = usd_per_month(&kept, 3.0, crossed, 10_000);
        assert!((with_backups - with_region - 6.0 * 39.0 * 0.085).abs() < 0.001);
        // 2,000 a second are 5,256 million in a month.
        assert_eq!(usd_per_million_ops(2628.0, 2000.0), Some(0.5));
        assert_eq!(usd_per_million_ops(2628.0, 0.0), None);
    }
}
