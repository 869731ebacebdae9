//! Histograms come back as they went; what is none is refused, and never ends the program.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use proptest::prelude::*;
use seawall_report::histogram::decode;

fn encoded(values: &[u64]) -> Vec<u8> {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    for value in values {
        histogram.saturating_record(*value);
    }
    let mut bytes = Vec::new();
    V2Serializer::new()
        .serialize(&histogram, &mut bytes)
        .unwrap();
    bytes
}

#[test]
fn a_count_without_a_negative_is_refused() {
    // A run of zeros as long as the least number there is, in nine bytes.
    let mut bytes = encoded(&[]);
    bytes.truncate(40);
    bytes.extend([0xff; 9]);
    bytes[4..8].copy_from_slice(&9_u32.to_be_bytes());
    assert_eq!(decode(&STANDARD.encode(&bytes)), None);
}

#[test]
fn a_length_that_is_a_lie_is_refused() {
    let mut bytes = encoded(&[5, 6, 7]);
    bytes[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(decode(&STANDARD.encode(&bytes)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_written_is_read(values in prop::collection::vec(0_u64..1 << 40, 0..200)) {
        let read = decode(&STANDARD.encode(encoded(&values))).expect("a histogram");
        prop_assert_eq!(read.len(), values.len() as u64);
        let mut written = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        for value in &values {
            written.saturating_record(*value);
        }
        for quantile in [0.0, 0.5, 0.99, 1.0] {
            prop_assert_eq!(read.value_at_quantile(quantile), written.value_at_quantile(quantile));
        }
    }

    #[test]
    fn damage_is_survived(
        values in prop::collection::vec(1_u64..1 << 30, 1..50),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&values);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode(&STANDARD.encode(&bytes));
        bytes.truncate(cut.index(bytes.len()));
        let _ = decode(&STANDARD.encode(&bytes));
    }

    #[test]
    fn payloads_of_any_bytes_are_survived(payload in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut bytes = encoded(&[]);
        bytes.truncate(40);
        bytes[4..8].copy_from_slice(&(payload.len() as u32).to_be_bytes());
        bytes.extend(payload);
        let _ = decode(&STANDARD.encode(&bytes));
    }
}
