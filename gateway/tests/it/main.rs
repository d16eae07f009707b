//! One binary for all scenarios.

mod tidy;
