//! Hands libFuzzer's bytes to the target that `FUZZ_TARGET` names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let Some((_, target)) = gateway::fuzzing::TARGETS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<_> = gateway::fuzzing::TARGETS.iter().map(|(name, _)| *name).collect();
            eprintln!("FUZZ_TARGET is {name:?}, not one of: {}", names.join(" "));
            std::process::exit(2);
        };
        TARGET.get_or_init(|| *target);
    },
    |bytes: &[u8]| {
        if let Some(target) = TARGET.get() {
            target(bytes);
        }
    }
);
