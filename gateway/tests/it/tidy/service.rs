//! How large `Service` still is, and who uses the store although it owns no records. Both are to come to nothing.

use super::source::Source;
use std::collections::BTreeMap;

/// The rooms that own records, and what puts them together.
const OWNERS: &[&str] = &[
    "app/server/src/db",
    "app/server/src/cluster",
    "app/server/src/people",
    "app/server/src/fleet",
    "app/server/src/state",
    "app/server/src/lib",
    "app/server/src/fixture",
    "app/server/tests",
    "app/server/benches",
];

/// Methods and fields of `Service`, each with its place.
pub(super) fn parts(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::from([("methods".to_owned(), Vec::new()), ("fields".to_owned(), Vec::new())]);
    for source in sources.iter().filter(|source| source.path.starts_with("app/server/src")) {
        for (kind, opening, is_part) in [
            ("methods", "impl Service {", is_method as fn(&str) -> bool),
            ("fields", "pub struct Service {", is_field as fn(&str) -> bool),
        ] {
            let lines = blocks(&source.code, opening);
            let lines = lines.into_iter().filter(|(_, line)| is_part(line));
            let named = lines.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()));
            found.entry(kind.to_owned()).or_default().extend(named);
        }
    }
    found
}

/// Each place where the store is used outside the rooms that own records.
pub(super) fn store_uses(source: &Source) -> Vec<String> {
    if !source.path.starts_with("app/server/") || OWNERS.iter().any(|room| source.path.starts_with(room)) {
        return Vec::new();
    }
    let is_store = |path: &super::source::Path| {
        path.starts_with("crate::db") || path.segments.get(2).is_some_and(|segment| segment == "store")
    };
    let paths = source.paths().into_iter().filter(is_store).map(|path| (path.line, path.segments.join("::")));
    let lines = source.code.lines().enumerate();
    let fields = lines.flat_map(|(index, line)| line.matches(".store.").map(move |_| (index + 1, ".store".to_owned())));
    let advice = "ask the room that owns the records";
    paths.chain(fields).map(|(line, name)| format!("{}:{line}: `{name}`: {advice}", source.path)).collect()
}

/// The lines directly inside each block that begins so, with their numbers.
fn blocks<'a>(code: &'a str, opening: &str) -> Vec<(usize, &'a str)> {
    let (mut depth, mut inside) = (0_usize, Vec::new());
    for (index, line) in code.lines().enumerate() {
        let opens = depth == 0 && line.starts_with(opening);
        if depth == 1 {
            inside.push((index + 1, line));
        }
        if depth > 0 || opens {
            depth += line.matches('{').count();
            depth = depth.saturating_sub(line.matches('}').count());
        }
    }
    inside
}

fn is_method(line: &str) -> bool {
    line.split_whitespace().any(|word| word == "fn")
}

fn is_field(line: &str) -> bool {
    line.trim_end().ends_with(',') && line.contains(": ")
}
