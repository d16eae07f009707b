//! The search for circles must find those that are there, and no others.

use super::circles::circles;
use super::source::Source;
use super::{allowance, tangle};
use std::collections::BTreeMap;

/// Files of a crate in `gateway/src`, with what they contain.
fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    files.iter().map(|(name, text)| Source::new(&format!("gateway/src/{name}.rs"), text)).collect()
}

/// The first line of each message.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let messages = circles(&sources(files)).into_iter().map(|circle| circle.message());
    messages.map(|message| message.lines().next().unwrap().to_owned()).collect()
}

/// What a circle of two modules in the crate's root is called.
const A_AND_B: &str = "gateway/src: a circle among 2 modules in `crate`: a -> b -> a";

#[test]
fn two_files_in_a_circle_are_found() {
    let text = [("lib", "mod a;\nmod b;"), ("a", "use crate::b::B;"), ("b", "\nfn f() { super::a::g() }")];
    assert_eq!(found(&text), [A_AND_B]);
    let message = circles(&sources(&text))[0].message();
    assert!(message.contains("\n    a -> b: gateway/src/a.rs:1: `crate::b::B`"), "{message}");
    assert!(message.contains("\n    b -> a: gateway/src/b.rs:2: `crate::a::g`"), "{message}");
    assert!(message.ends_with("or to the one that is needed"), "{message}");
}

#[test]
fn three_files_in_a_circle_are_one_breach() {
    let files = [("lib", ""), ("a", "use super::b::B;"), ("b", "use super::c::C;"), ("c", "use super::a::A;")];
    assert_eq!(found(&files), ["gateway/src: a circle among 3 modules in `crate`: a -> b -> c -> a"]);
    let both = [files[0], ("a", "use super::b::B;"), files[2], ("c", "use super::{a::A, b::B};")];
    assert_eq!(found(&both), ["gateway/src: a circle among 3 modules in `crate`: b -> c -> b"]);
}

#[test]
fn a_name_that_is_passed_on_means_where_it_comes_from() {
    let b = ("b", "use crate::a::A;");
    for (lib, a) in [
        ("pub use b::B;", "use super::B;"),
        ("pub(crate) use crate::b::{Inner as B};", "use crate::B;"),
        ("use b::{self, B};", "use super::*;\nfn f(_: B) {}"),
        ("use b as other;", "fn f() { super::other::g() }"),
        ("pub use c::B;", "use crate::B;"),
        ("pub use c::*;", "use crate::{B, X};"),
        ("pub use c::*;", "use super::*;\nfn f(_: B) {}"),
    ] {
        let files = [("lib", lib), ("a", a), b, ("c", "pub(super) use super::b::B;\nstruct X;")];
        assert!(found(&files).iter().any(|found| found.contains(": a -> b -> a")), "{lib} {a}: {:?}", found(&files));
    }
    let own = [("lib", "use b::B;\nstruct X;"), ("a", "use super::*;\nstruct B;\nfn f(_: B, x: X) { x.B }"), b];
    assert_eq!(found(&own), [""; 0]);
}

#[test]
fn a_module_below_is_named_without_a_prefix() {
    let files = [
        ("lib", ""),
        ("a", "mod x;\nfn f() { x::g() }"),
        ("a/x", "pub(super) use crate::b::g;"),
        ("b", "fn f() { crate::a::f() }\nmod inner { fn f() { super::super::a::f() } }"),
    ];
    assert_eq!(found(&files), [A_AND_B]);
}

#[test]
fn subtrees_in_a_circle_are_found_though_no_files_are() {
    let files = [("lib", ""), ("a", ""), ("a/x", "use crate::b::y::Y;"), ("a/z", ""), ("b", ""), ("b/y", "")];
    assert_eq!(found(&files), [""; 0]);
    let files = [&files[..4], &[("b", "use crate::a::z::Z;"), ("b/y", "")]].concat();
    assert_eq!(found(&files), [A_AND_B]);
    let deep: Vec<_> =
        files.iter().map(|(name, text)| (format!("d/{name}"), text.replace("crate", "crate::d"))).collect();
    let deep: Vec<_> = deep.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let deep = [&[("lib", ""), ("d", "")], &deep[1..]].concat();
    assert_eq!(found(&deep), ["gateway/src: a circle among 2 modules in `crate::d`: a -> b -> a"]);
}

#[test]
fn above_and_below_may_need_one_another() {
    let files = [
        ("lib", "mod a;\nuse a::x::X;"),
        ("a", "mod x;\nuse x::X;\nuse crate::Y;"),
        ("a/x", "use super::A;\nuse crate::Y;\nuse crate::a::x;"),
    ];
    assert_eq!(found(&files), [""; 0]);
}

#[test]
fn a_diamond_is_no_circle() {
    let files = [
        ("lib", "use a::A;\n// crate::a::A\npub use d::D;"),
        ("a", "use crate::{b::B, c::C};"),
        ("b", "use super::D;"),
        ("c", "use super::d::D;\nuse std::a::A;\nfn f() { \"crate::a\" }"),
        ("d", "//! [`crate::a`]"),
    ];
    assert_eq!(found(&files), [""; 0]);
}

#[test]
fn tests_are_apart_from_what_they_test() {
    let tested = [
        ("lib", ""),
        ("a", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use super::*;\n    use crate::b::g;\n}"),
        ("b", "use crate::a::f;\n#[cfg(test)]\nmod trial;"),
        ("b/trial", "use crate::a::f;"),
    ];
    assert_eq!(found(&tested), [""; 0]);
    let files = [
        ("lib", "#[cfg(test)]\npub(crate) mod a;\n#[cfg(test)]\n#[expect(dead_code)]\nmod b;"),
        ("a", ""),
        ("a/x", "use crate::b::B;"),
        ("b", "use crate::a::x::X;"),
    ];
    assert_eq!(found(&files), ["gateway/src: a circle among 2 test modules in `crate`: a -> b -> a"]);
    let files = [
        ("lib", ""),
        ("a", ""),
        ("b", ""),
        ("a/tests", "use crate::b::tests::B;"),
        ("b/tests/x", ""),
        ("b/tests", "use crate::a::tests::A;"),
    ];
    assert_eq!(found(&files).len(), 1);
}

#[test]
fn scenarios_are_crates_of_their_own() {
    let file = |name: &str, text| Source::new(&format!("app/server/{name}.rs"), text);
    let sources = [
        file("tests/it/main", "mod a;\nmod b;"),
        file("tests/it/a", "use crate::b::B;"),
        file("tests/it/b", "use super::a::A;"),
        file("src/lib", ""),
        file("src/main", "use server::a::A;"),
        file("src/a", "use crate::b::B;"),
        file("src/b", ""),
        file("src/bin/a", "use crate::b::B;"),
    ];
    let found: Vec<_> = circles(&sources).into_iter().map(|circle| circle.folder).collect();
    assert_eq!(found, ["app/server/tests/it"]);
}

#[test]
fn the_description_begins_with_the_cheapest_cut() {
    let files = [("lib", ""), ("a", "use crate::b::{B, C, D};"), ("b", "use crate::a::A;")];
    let text = tangle::describe(&circles(&sources(&files))[0]);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    assert_eq!(lines[1], "from top to bottom: a, b");
    assert_eq!(lines[3..5], ["b -> a: 1", "gateway/src/b.rs:1: crate::a::A"]);
    assert_eq!(lines[6], "a -> b: 3");
}

#[test]
fn an_allowance_is_exact() {
    let found = BTreeMap::from([("model".to_owned(), vec!["one".to_owned(), "two".to_owned()])]);
    assert_eq!(allowance::compare(&[("model", 2)], &found), [""; 0]);
    assert_eq!(allowance::compare(&[("model", 1)], &found), ["one", "two", "model: 2 breaches, 1 are known"]);
    assert_eq!(allowance::compare(&[], &found).len(), 3);
    let fewer = "model: 2 breaches, fewer than the 3 that are known: lower that number";
    assert_eq!(allowance::compare(&[("model", 3)], &found), [fewer]);
    assert_eq!(allowance::compare(&[("model", 2), ("app", 1)], &found).len(), 1);
}
