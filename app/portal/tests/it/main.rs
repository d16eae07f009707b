//! One binary for all scenarios: pages as a whole server shows them.

#![cfg(test)]

mod harness;
mod pages;
