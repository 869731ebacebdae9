//! Drives targets with workloads, measures, writes rows.
