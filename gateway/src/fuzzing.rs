//! What is fuzzed: one function per kind of foreign bytes, which panics when a promise about them is broken.
//!
//! `make fuzz` calls them with bytes of its own making, `make test` with the bytes kept in `fuzz/corpus`, where a failure
//! leaves its bytes too. Compiled for these two alone.

mod certificates;
mod lists;
mod strings;
mod wire;

/// A target's name, which is also its folder in the corpus, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("frames", wire::frames),
    ("messages", wire::messages),
    ("lists", lists::lists),
    ("certificates", certificates::certificates),
    ("certificate_names", certificates::certificate_names),
    ("provisioning", strings::provisioning),
    ("state_slots", crate::client::fuzz_state_slots),
    ("ring_files", crate::client::fuzz_ring_files),
];

#[cfg(test)]
mod tests;
