//! What a command does to the store and where it may be called: Redis's command flags.

/// One flag, as `COMMAND INFO` names it (Redis 7.0, "Command flags").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Flag {
    /// It may change something.
    Write,
    /// It only reads.
    Readonly,
    /// It may need memory: refused when `maxmemory` is reached and nothing may go.
    Denyoom,
    /// It administers the server.
    Admin,
    /// It publishes or subscribes.
    Pubsub,
    /// Scripts may not call it.
    Noscript,
    /// It may wait for others.
    Blocking,
    /// It may run while data is loaded.
    Loading,
    /// It may run on a replica whose data is stale.
    Stale,
    /// `MONITOR` does not show it.
    SkipMonitor,
    /// `SLOWLOG` does not keep it.
    SkipSlowlog,
    /// It takes constant or logarithmic time.
    Fast,
    /// It may run before authentication.
    NoAuth,
    /// It may be told to replicas though it writes no key.
    MayReplicate,
    /// It may be called without keys.
    NoMandatoryKeys,
    /// It asks for a setting that enables it.
    Protected,
    /// It may not run while data is loaded in the background.
    NoAsyncLoading,
    /// It may not stand in `MULTI`.
    NoMulti,
    /// Its keys stand where its other arguments say.
    Movablekeys,
    /// It may run while a script holds the server.
    AllowBusy,
}

impl Flag {
    /// Every flag, in the order of their bits.
    pub const ALL: [Flag; 20] = [
        Flag::Write,
        Flag::Readonly,
        Flag::Denyoom,
        Flag::Admin,
        Flag::Pubsub,
        Flag::Noscript,
        Flag::Blocking,
        Flag::Loading,
        Flag::Stale,
        Flag::SkipMonitor,
        Flag::SkipSlowlog,
        Flag::Fast,
        Flag::NoAuth,
        Flag::MayReplicate,
        Flag::NoMandatoryKeys,
        Flag::Protected,
        Flag::NoAsyncLoading,
        Flag::NoMulti,
        Flag::Movablekeys,
        Flag::AllowBusy,
    ];

    /// Its name in `COMMAND INFO`.
    pub fn name(self) -> &'static str {
        match self {
            Flag::Write => "write",
            Flag::Readonly => "readonly",
            Flag::Denyoom => "denyoom",
            Flag::Admin => "admin",
            Flag::Pubsub => "pubsub",
            Flag::Noscript => "noscript",
            Flag::Blocking => "blocking",
            Flag::Loading => "loading",
            Flag::Stale => "stale",
            Flag::SkipMonitor => "skip_monitor",
            Flag::SkipSlowlog => "skip_slowlog",
            Flag::Fast => "fast",
            Flag::NoAuth => "no_auth",
            Flag::MayReplicate => "may_replicate",
            Flag::NoMandatoryKeys => "no_mandatory_keys",
            Flag::Protected => "protected",
            Flag::NoAsyncLoading => "no_async_loading",
            Flag::NoMulti => "no_multi",
            Flag::Movablekeys => "movablekeys",
            Flag::AllowBusy => "allow_busy",
        }
    }
}

/// A set of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    /// These flags.
    pub const fn of(flags: &[Flag]) -> Flags {
        let mut bits = 0;
        let mut i = 0;
        while i < flags.len() {
            bits |= 1 << flags[i] as u32;
            i += 1;
        }
        Flags(bits)
    }

    /// Whether `flag` is among them.
    #[inline]
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & 1 << flag as u32 != 0
    }

    /// Whether the command may change something.
    #[inline]
    pub const fn writes(self) -> bool {
        self.has(Flag::Write)
    }

    /// The flags, in the order of [`Flag::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |&flag| self.has(flag))
    }
}
