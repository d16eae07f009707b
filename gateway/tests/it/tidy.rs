//! The rules of the house that neither the compiler nor clippy checks: who may import what, lengths, headings.
//!
//! They are explained in `ARCHITECTURE.md` and `CONTRIBUTING.md`.

mod rules;
mod source;

use source::Source;
use std::path::Path;

/// All Rust files of the workspace.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in ["app/src", "app/tests", "gateway/src", "gateway/tests", "gateway/benches", "gateway/fuzz/src"] {
        collect(&root.join(folder), &mut files);
    }
    files.push(root.join("gateway/build.rs"));
    files.sort();
    let name = |file: &Path| file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    files.iter().map(|file| Source::new(&name(file), &std::fs::read_to_string(file).unwrap())).collect()
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn check(rule: fn(&Source) -> Vec<String>) {
    let sources = sources();
    assert!(sources.len() > 20, "only {} files were found", sources.len());
    let broken: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn rooms_import_only_what_they_may() {
    check(rules::imports);
}

#[test]
fn pure_code_touches_no_socket_clock_or_chance() {
    check(rules::purity);
}

#[test]
fn ssr_gates_whole_modules() {
    check(rules::gates);
}

#[test]
fn files_begin_with_their_purpose() {
    check(rules::purpose);
}

#[test]
fn files_and_functions_are_short() {
    check(rules::lengths);
}

#[test]
fn nothing_is_left_for_later() {
    check(rules::leftovers);
}

mod examples {
    //! The rules must also be able to fail.

    use super::{Source, rules};

    fn broken(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> usize {
        rule(&Source::new(path, text)).len()
    }

    #[test]
    fn a_grouped_import_is_seen() {
        let text = "use crate::{\n    device::Device,\n    wire::{Entries, Message},\n};";
        assert_eq!(broken(rules::imports, "gateway/src/server/shell.rs", text), 1);
        assert_eq!(broken(rules::imports, "gateway/src/simulator/fleet.rs", text), 0);
    }

    #[test]
    fn a_path_in_the_middle_of_code_is_seen() {
        let text = "fn a() { let x = super::super::client::run(); }";
        assert_eq!(broken(rules::imports, "gateway/src/server/shell.rs", text), 1);
        assert_eq!(broken(rules::imports, "app/src/server/service/devices.rs", "fn a() { sqlx::query(q) }"), 2);
        assert_eq!(broken(rules::imports, "app/src/components/table.rs", "use crate::server::service::Service;"), 1);
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        let text = "//! sqlx::query\nfn a() -> &'static str { r#\"axum::Router \"{\"#; '\"'; \"leptos::x\" }";
        assert_eq!(broken(rules::imports, "gateway/src/wire.rs", text), 0);
        assert_eq!(broken(rules::purpose, "gateway/src/wire.rs", text), 0);
    }

    #[test]
    fn a_clock_in_the_core_is_seen_outside_its_tests() {
        let text = "fn a() { Instant::now(); }\n#[cfg(test)]\nmod tests {\n fn b() { Instant::now(); } }";
        assert_eq!(broken(rules::purity, "gateway/src/device/trial.rs", text), 1);
        assert_eq!(broken(rules::purity, "gateway/src/client/dial.rs", text), 0);
    }

    #[test]
    fn a_gated_item_is_seen() {
        assert_eq!(broken(rules::gates, "app/src/lib.rs", "#[cfg(feature = \"ssr\")]\npub mod server;"), 0);
        assert_eq!(broken(rules::gates, "app/src/lib.rs", "#[cfg(feature = \"ssr\")]\npub fn a() {}"), 1);
    }

    #[test]
    fn a_long_function_is_seen() {
        let text = |lines| format!("//! x\nfn a(b: fn()) {{\n{}}}\n", "    b();\n".repeat(lines));
        assert_eq!(broken(rules::lengths, "gateway/src/wire.rs", &text(70)), 0);
        assert_eq!(broken(rules::lengths, "gateway/src/wire.rs", &text(71)), 1);
        assert_eq!(broken(rules::lengths, "gateway/src/wire.rs", &"// x\n".repeat(401)), 1);
    }

    #[test]
    fn what_is_left_for_later_is_seen() {
        let text = format!("//! x\n// {}DO: more\nfn a() {{ {}ented!() }}", "TO", "unimplem");
        assert_eq!(broken(rules::leftovers, "gateway/src/wire.rs", &text), 2);
    }
}
