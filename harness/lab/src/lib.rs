//! Replays traces through eviction policies.
