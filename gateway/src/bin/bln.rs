//! The reference device: one door reader, or a fleet of them.

fn main() {}
