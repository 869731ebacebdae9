//! The operating system, wrapped once.
//!
//! What Seawall asks of the kernel it asks here: memory ([`map`]), placement ([`pin`],
//! [`topology`]), starting another program ([`child`]), what a process costs ([`usage`]) and may have
//! ([`limit`]), free ports ([`port`]), its allocator (`heap`), what CPUs did ([`load`]), what machine this is ([`machine`]), input and output without waiting ([`ring`]) and the
//! time ([`clock`]). Everything above is safe code; the unsafe calls stand in the files named here, each
//! with its reason. Linux on 64-bit machines only.
//! Nothing here knows of shards' contents, logs or ops.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("Seawall needs 64-bit Linux: io_uring, sysfs and 64-bit mappings");

pub mod child;
pub mod clock;
#[cfg(feature = "mimalloc")]
pub mod heap;
pub mod limit;
pub mod load;
pub mod machine;
pub mod map;
pub mod pin;
pub mod port;
pub mod ring;
pub mod topology;
pub mod usage;
