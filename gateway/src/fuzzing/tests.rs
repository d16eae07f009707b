//! The corpus, as ordinary tests.

mod seeds;

use super::TARGETS;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

#[test]
fn no_input_that_was_ever_kept_breaks_a_promise() {
    for (name, target) in TARGETS {
        let files = fs::read_dir(corpus(name)).unwrap_or_else(|_| panic!("no corpus for {name}: .make/fuzz.sh seeds"));
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "no corpus for {name}: .make/fuzz.sh seeds");
        for file in files {
            // Shown by the test runner if the target panics.
            println!("{}", file.display());
            target(&fs::read(file).unwrap());
        }
    }
}

/// Also writes them, if told to by `FUZZ_SEEDS=write`.
#[test]
fn seeds() {
    let write = std::env::var("FUZZ_SEEDS").is_ok_and(|value| value == "write");
    for (name, target) in TARGETS {
        let seeds = seeds::of(name);
        assert!(!seeds.is_empty(), "no seeds for {name}");
        for (title, bytes) in seeds {
            target(&bytes);
            let file = corpus(name).join(format!("seed-{title}"));
            if write {
                fs::create_dir_all(corpus(name)).unwrap();
                fs::write(&file, &bytes).unwrap();
            }
            assert!(file.exists(), "{} is missing: .make/fuzz.sh seeds", file.display());
        }
    }
}
