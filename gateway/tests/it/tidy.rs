//! The rules of the house that neither the compiler nor clippy checks: who may import what, lengths, headings.
//!
//! They are explained in `ARCHITECTURE.md` and `CONTRIBUTING.md`.

mod allowance;
mod circle_examples;
mod circles;
mod graph;
mod outline;
mod rules;
mod service;
mod source;
mod tangle;
mod words;

use source::Source;
use std::collections::BTreeMap;
use std::path::Path;

/// Methods and fields of `Service`, on which every room still hangs its rules. They only ever get fewer.
const SERVICE: &[(&str, usize)] = &[("methods", 307), ("fields", 39)];
/// How often the store is used outside the rooms that own records. It only ever gets less.
const STORE_USES: &[(&str, usize)] = &[("server", 97)];

/// The crates, each with its folder. `src`, `tests` and `benches` of each are looked at.
const CRATES: &[(&str, &str)] = &[
    ("gateway", "gateway"),
    ("gateway-fuzz", "gateway/fuzz"),
    ("model", "app/model"),
    ("server", "app/server"),
    ("app", "app"),
    ("portal", "app/portal"),
];

/// All Rust files of the workspace.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for (_, folder) in CRATES {
        for part in ["src", "tests", "benches"] {
            collect(&root.join(folder).join(part), &mut files);
        }
        files.extend(Some(root.join(folder).join("build.rs")).filter(|file| file.exists()));
    }
    files.sort();
    files.dedup();
    let name = |file: &Path| file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    files.iter().map(|file| Source::new(&name(file), &std::fs::read_to_string(file).unwrap())).collect()
}

/// Not every crate has tests and benchmarks.
fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The crate that a file belongs to.
fn crate_name(path: &str) -> String {
    let inside = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let found = CRATES.iter().filter(|(_, folder)| inside(folder)).max_by_key(|(_, folder)| folder.len());
    found.map_or(path, |(name, _)| name).to_owned()
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

#[test]
fn modules_need_one_another_in_no_circle() {
    let circles = circles::circles(&sources());
    let print = std::env::var("TIDY_PRINT").unwrap_or_default();
    for circle in &circles {
        if print == "1" || print == crate_name(&circle.folder) {
            println!("{}", tangle::describe(circle));
        }
    }
    let found: Vec<_> = circles.iter().map(circles::Circle::message).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn retired_words_stay_retired() {
    check(words::retired);
}

#[test]
fn names_of_tests_are_short() {
    check(rules::names_of_tests);
}

#[test]
fn the_service_only_gets_smaller() {
    let wrong = allowance::compare(SERVICE, &service::parts(&sources()));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_store_is_used_by_its_rooms_alone() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        found.entry(crate_name(&source.path)).or_default().extend(service::store_uses(&source));
    }
    let wrong = allowance::compare(STORE_USES, &found);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

mod examples {
    //! The rules must also be able to fail.

    use super::{Source, rules, service};

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
        assert_eq!(broken(rules::imports, "app/server/src/fleet/devices.rs", "fn a() { sqlx::query(q) }"), 1);
        assert_eq!(broken(rules::imports, "app/server/src/fleet/store/devices.rs", "fn a() { sqlx::query(q) }"), 0);
        assert_eq!(broken(rules::imports, "app/server/src/db/sql.rs", "use crate::fleet::Report;"), 1);
        assert_eq!(broken(rules::imports, "app/src/components/table.rs", "use server::Service;"), 1);
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
        assert_eq!(broken(rules::gates, "app/src/lib.rs", "#[cfg(feature = \"ssr\")]\npub mod router;"), 0);
        assert_eq!(broken(rules::gates, "app/src/lib.rs", "#[cfg(feature = \"ssr\")]\npub fn a() {}"), 1);
    }

    #[test]
    fn a_method_more_and_a_use_of_the_store_are_seen() {
        let text = "pub struct Service {\n    a: u8,\n    pub(crate) b: Vec<u8>,\n}\nimpl Service {\n fn a(&self) { fn b() {} }\n pub fn c() {}\n}\nimpl Other { fn d() {} }";
        let parts = service::parts(&[Source::new("app/server/src/lib.rs", text)]);
        assert_eq!((parts["methods"].len(), parts["fields"].len()), (2, 2));
        let uses = |path: &str| {
            service::store_uses(&Source::new(path, "fn a() { service.store.close(); crate::db::x(); }")).len()
        };
        assert_eq!((uses("app/server/src/interfaces/rest.rs"), uses("app/server/src/fleet/devices.rs")), (2, 0));
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

    #[test]
    fn a_long_name_of_a_test_is_seen() {
        let long = "a".repeat(61);
        let test = |attribute: &str, name: &str| format!("#[{attribute}]\n#[ignore]\nasync fn {name}() {{}}\n");
        let broken = |text: &str| broken(rules::names_of_tests, "app/server/src/a.rs", text);
        for attribute in ["test", "tokio::test", "tokio::test(flavor = \"multi_thread\")"] {
            assert_eq!(broken(&test(attribute, &long)), 1);
            assert_eq!(broken(&test(attribute, &long[1..])), 0);
        }
        assert_eq!(broken(&format!("#[cfg(test)]\nmod tests {{\n{}}}", test("test", &long))), 1);
        assert_eq!(broken(&format!("proptest! {{\n{} fn b(x in 0..1) {{}}\n}}", test("test", &long))), 1);
        assert_eq!(broken(&format!("#[cfg(test)]\nfn {long}() {{}}\nfn b() {{ test::<u8>() }}")), 0);
    }
}
