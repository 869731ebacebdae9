//! Ertl's estimate of a `HyperLogLog`'s registers.

use super::{COUNTED_BITS, REGISTERS, Registers};

/// 0.5 / ln 2.
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// How many different elements the registers saw.
pub fn of(registers: &Registers) -> u64 {
    let mut with_count = [0_u32; 64];
    for &count in registers {
        with_count[usize::from(count & 0x3f)] += 1;
    }
    let all = REGISTERS as f64;
    let highest = COUNTED_BITS as usize + 1;
    let mut sum = all * tau((all - f64::from(with_count[highest])) / all);
    for count in (1..highest).rev() {
        sum = (sum + f64::from(with_count[count])) * 0.5;
    }
    sum += all * sigma(f64::from(with_count[0]) / all);
    (ALPHA * all * all / sum).round() as u64
}

/// σ of the paper's section on the estimator, until another term changes nothing.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * y;
        y += y;
        if sum == before {
            return sum;
        }
    }
}

/// τ, likewise.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        y *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * y;
        if sum == before {
            return sum / 3.0;
        }
    }
}
