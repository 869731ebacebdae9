//! `s3fifo-sosp23`: S3-FIFO as the paper has it. What finds the small queue full while the cache still fills goes
//! through the small queue all the same; all else is [`s3fifo`](super::s3fifo)'s.

use super::s3fifo::{PARAMS, Sifted};
use super::{Description, Member, Params, Setup};

/// S3-FIFO of the paper.
pub type S3FifoSosp23 = Sifted<false>;

impl Member for S3FifoSosp23 {
    const DESCRIPTION: Description = Description {
        name: "s3fifo-sosp23",
        about: "s3fifo as first published: the small queue takes all that is new, also while the cache fills",
        source: "Yang et al., SOSP 2023, FIFO queues are all you need, section 4; \
                 S3FIFOv0 in libCacheSim 0.3.5",
        params: PARAMS,
        cost: "as s3fifo",
        bytes_per_item: 34,
        bad_at: "as s3fifo; and a cache that is being filled evicts early",
    };

    fn build(params: Params<'_>, setup: Setup<'_>) -> S3FifoSosp23 {
        Sifted::new(params, setup)
    }
}
