//! What one client may cost: bounds that the loop looks at in every turn.

/// When a client that does not read its replies is dropped (`client-output-buffer-limit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// At so many bytes at once; 0: never.
    pub hard_bytes: u64,
    /// At so many bytes for [`soft_s`](OutputLimit::soft_s) seconds; 0: never.
    pub soft_bytes: u64,
    /// For how many seconds.
    pub soft_s: u64,
}

/// Bounds on clients. The defaults are Redis's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many clients there may be (`maxclients`).
    pub clients: usize,
    /// The most bytes of one client's commands that wait (`client-query-buffer-limit`).
    pub query_bytes: usize,
    /// The most bytes of one argument (`proto-max-bulk-len`).
    pub bulk_bytes: usize,
    /// The most bytes of an item that Memcached's clients store (`memcached-item-size-max`).
    pub item_bytes: usize,
    /// A client that says nothing for so many seconds is dropped (`timeout`); 0: never.
    pub idle_s: u64,
    /// Replies that wait for a client.
    pub output_normal: OutputLimit,
    /// Replies and messages that wait for a subscriber.
    pub output_pubsub: OutputLimit,
    /// The most bytes of all clients' buffers together (`maxmemory-clients`); 0: no bound.
    pub all_bytes: u64,
    /// Whether clients of other machines are turned away while there is no password
    /// (`protected-mode`).
    pub protects: bool,
    /// How many databases there are (`databases`).
    pub databases: u8,
    /// What clients must say first (`requirepass`); empty: nothing.
    pub password: Vec<u8>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            clients: 10_000,
            query_bytes: 1 << 30,
            bulk_bytes: 512 << 20,
            item_bytes: 1 << 20,
            idle_s: 0,
            output_normal: OutputLimit {
                hard_bytes: 0,
                soft_bytes: 0,
                soft_s: 0,
            },
            output_pubsub: OutputLimit {
                hard_bytes: 32 << 20,
                soft_bytes: 8 << 20,
                soft_s: 60,
            },
            all_bytes: 0,
            protects: true,
            databases: 16,
            password: Vec::new(),
        }
    }
}
