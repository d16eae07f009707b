//! Circles: modules that need one another, so that none can be understood, tested or moved without the rest.
//!
//! A module and those below it may need one another. Between any two that stand side by side the way must be one: what
//! is below a module counts as a part of it.

use super::graph::{Graph, Use, crates};
use super::source::Source;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const ADVICE: &str = "move what both need into a module of its own, or to the one that is needed";

/// Who names whom among modules that stand side by side, and where.
pub(super) type Level = BTreeMap<(String, String), BTreeSet<Use>>;

/// Modules side by side of which each needs each other one, perhaps by way of others.
pub(super) struct Circle {
    /// The folder of the crate.
    pub(super) folder: String,
    /// The module that they stand in.
    above: String,
    /// Of code that is compiled for tests only.
    tests: bool,
    pub(super) members: BTreeSet<String>,
    /// All uses among them.
    pub(super) uses: Level,
}

/// All circles of all crates.
pub(super) fn circles(sources: &[Source]) -> Vec<Circle> {
    let mut found = Vec::new();
    for folder in crates(sources) {
        for ((tests, above), level) in levels(sources, folder) {
            for members in knots(&level) {
                let inside = |(from, to): &(String, String)| members.contains(from) && members.contains(to);
                let uses = level.iter().filter(|(edge, _)| inside(edge)).map(|(edge, at)| (edge.clone(), at.clone()));
                let (folder, uses) = (folder.to_owned(), uses.collect());
                found.push(Circle { folder, above: above.clone(), tests, members, uses });
            }
        }
    }
    found
}

/// For each module, apart for code and for tests, the dependencies between what is directly below it.
fn levels(sources: &[Source], folder: &str) -> BTreeMap<(bool, String), Level> {
    let mut levels: BTreeMap<(bool, String), Level> = BTreeMap::new();
    for edge in Graph::new(sources, folder).iter().flat_map(Graph::edges) {
        let shared = edge.from.iter().zip(&edge.to).take_while(|(from, to)| from == to).count();
        let level = levels.entry((edge.tests, edge.from[..shared].join("::"))).or_default();
        let (from, to) = (edge.from[shared].clone(), edge.to[shared].clone());
        level.entry((from, to)).or_default().insert(edge.at);
    }
    levels
}

/// Sets of more than one module in which each reaches each.
fn knots(level: &Level) -> Vec<BTreeSet<String>> {
    let mut knots: Vec<BTreeSet<String>> = Vec::new();
    for (from, _) in level.keys() {
        if knots.iter().any(|knot| knot.contains(from)) {
            continue;
        }
        let reached = reach(level, from);
        let knot: BTreeSet<String> =
            reached.keys().filter(|to| *to == from || reach(level, to).contains_key(from)).cloned().collect();
        if knot.len() > 1 {
            knots.push(knot);
        }
    }
    knots
}

/// What a module needs, at any distance, itself included; each with the one before it on a shortest way.
fn reach(level: &Level, from: &str) -> BTreeMap<String, String> {
    let mut before = BTreeMap::from([(from.to_owned(), from.to_owned())]);
    let mut waiting = VecDeque::from([from.to_owned()]);
    while let Some(at) = waiting.pop_front() {
        for (_, next) in level.keys().filter(|(start, _)| *start == at) {
            if !before.contains_key(next) {
                before.insert(next.clone(), at.clone());
                waiting.push_back(next.clone());
            }
        }
    }
    before
}

impl Circle {
    /// A shortest circle among the members, from the first in the alphabet on; that one is not repeated at the end.
    fn shortest(&self) -> Vec<String> {
        let closed = |(last, first): &(String, String)| {
            let before = reach(&self.uses, first);
            let mut way = vec![last.clone()];
            while way.last() != Some(first) {
                way.push(before[&way[way.len() - 1]].clone());
            }
            way.reverse();
            let first = way.iter().enumerate().min_by_key(|(_, name)| *name).map_or(0, |(at, _)| at);
            way.rotate_left(first);
            way
        };
        self.uses.keys().map(closed).min_by_key(|way| (way.len(), way.clone())).unwrap_or_default()
    }

    /// What is wrong, where, and the way out.
    pub(super) fn message(&self) -> String {
        let circle = self.shortest();
        let mut message = format!("{}: {} -> {}", self.title(), circle.join(" -> "), circle[0]);
        for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
            let at = self.uses[&(from.clone(), to.clone())].first();
            let Use { file, line, named } = at.expect("each edge has a use");
            message += &format!("\n    {from} -> {to}: {file}:{line}: `{named}`");
        }
        message + "\n    " + ADVICE
    }

    pub(super) fn title(&self) -> String {
        let Self { folder, above, members, tests, .. } = self;
        let kind = if *tests { "test modules" } else { "modules" };
        format!("{folder}: a circle among {} {kind} in `{above}`", members.len())
    }
}
