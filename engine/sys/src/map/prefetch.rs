//! Prefetching: telling the processor what will be read soon.
//!
//! The one idea: it is a hint. Whatever the address, nothing that a program can see changes, so the
//! function is safe where the instruction is not.
#![cfg_attr(
    all(target_arch = "x86_64", not(miri)),
    expect(unsafe_code, reason = "the instruction takes any address")
)]

/// Asks the processor to fetch the cache line at `address`, which need not be valid.
#[inline(always)]
#[expect(clippy::inline_always, reason = "one instruction")]
pub fn prefetch(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch of any address is allowed and changes nothing that a program can see.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}
