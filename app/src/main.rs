//! The `portal` program.

fn main() {}
