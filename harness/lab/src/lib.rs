//! The lab: replays traces through eviction policies, beside bounds that no policy passes.
//!
//! ```text
//!   Trace (dense ids) ──┬── Subject::Policy ── replay ──┐
//!                       │   the store's own policies,   │
//!                       ├── Subject::Lab ── policy ─────┼── LabRow
//!                       │   those of the lab alone,     │
//!        Size, Unit ────┴── Subject::Bound ── bound ────┘
//! ```
//!
//! `live` drives the running store beside it. A grid is subjects × sizes; its rows come in order and are byte-identical for the same input. Of
//! the store's policies the lab decides nothing: who goes is said by `seawall_store::evict`, the same code.

pub mod admission;
mod bits;
pub mod bound;
pub mod clock;
pub mod counts;
pub mod curve;
pub mod expiry;
pub mod grid;
pub mod live;
pub mod policy;
pub mod replay;
pub mod residents;
pub mod sampling;
pub mod size;
pub mod source;
pub mod subject;

pub use counts::{Counts, Parts};
pub use grid::{Grid, Replayed};
pub use size::{Size, SizeError, Unit};
pub use source::Source;
pub use subject::Subject;
