//! Replication and sharding strategies as pure state machines.
