//! Rules that are not kept everywhere yet: how often each crate may break them, which only ever falls.

use std::collections::BTreeMap;

/// Compares the breaches of each crate with what is known of it. The numbers must agree, so that they can only fall.
pub(super) fn compare(known: &[(&str, usize)], found: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, breaches) in found {
        let allowed = known.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count);
        if breaches.len() > allowed {
            wrong.extend(breaches.iter().cloned());
            wrong.push(format!("{name}: {} breaches, {allowed} are known", breaches.len()));
        }
    }
    for (name, allowed) in known {
        let count = found.get(*name).map_or(0, Vec::len);
        if count < *allowed {
            wrong.push(format!("{name}: {count} breaches, fewer than the {allowed} that are known: lower that number"));
        }
    }
    wrong
}
