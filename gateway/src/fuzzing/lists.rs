//! Server lists: entries as somebody types them, their canonical form and its hash.

use super::wire::sent_on;
use crate::wire::{Entries, Message, ServerList};

/// Up to two lists of lines `priority address port`, an empty line between them. What is accepted keeps its rules, is the
/// same when typed again as it is shown, survives the wire, and two lists share a hash only if they are one.
pub(super) fn lists(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (first, second) = text.split_once("\n\n").unwrap_or((text, ""));
    let (first, second) = (entries(first), entries(second));
    for entries in [&first, &second].into_iter().flatten() {
        keeps_its_rules(entries);
    }
    if let (Some(first), Some(second)) = (first, second) {
        let hashes = [&first, &second].map(|entries| ServerList::new(1, 1, None, entries.clone()).version().hash);
        assert_eq!(hashes[0] == hashes[1], first == second, "hash and list disagree");
    }
}

fn entries(text: &str) -> Option<Entries> {
    let mut raw = Vec::new();
    for line in text.lines() {
        let (priority, rest) = line.split_once(' ')?;
        let (address, port) = rest.rsplit_once(' ')?;
        raw.push((priority.parse().ok()?, address, port.parse().ok()?));
    }
    Entries::parse(raw).ok()
}

fn keeps_its_rules(entries: &Entries) {
    assert!(entries.as_slice().is_sorted_by(|a, b| a.priority < b.priority), "priorities out of order");
    let shown: Vec<_> = entries.iter().map(|e| (e.priority.into(), e.address.to_string(), e.port.into())).collect();
    for (_, address, _) in &shown {
        assert!(address.len() <= 253 && address.bytes().all(|b| b.is_ascii_graphic()), "no address: {address:?}");
    }
    let again = Entries::parse(shown.iter().map(|(priority, address, port)| (*priority, address.as_str(), *port)));
    assert_eq!(again.as_ref(), Ok(entries), "typed as shown it is another");
    let list = Message::StageList(ServerList::new(1, 1, None, entries.clone()));
    assert_eq!(sent_on(list.clone()), Some(list), "it came back as another");
}
