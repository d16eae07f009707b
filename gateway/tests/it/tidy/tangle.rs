//! For whoever breaks circles: all that ties their modules together, and a guess at what is cheapest to cut.

use super::circles::{Circle, Level};
use super::graph::Use;
use std::collections::BTreeSet;

/// All uses among the members of a circle. The order is such that few uses go upwards; these come first.
pub(super) fn describe(circle: &Circle) -> String {
    let order = order_of(circle);
    let place = |name: &String| order.iter().position(|other| other == name);
    let (upwards, downwards): (Vec<_>, Vec<_>) =
        circle.uses.iter().partition(|((from, to), _)| place(from) > place(to));
    let mut text = format!("{}\n  from top to bottom: {}\n", circle.title(), order.join(", "));
    let mut part = |title: &str, edges: Vec<(&(String, String), &BTreeSet<Use>)>| {
        text += &format!("  {title}\n");
        let mut edges = edges;
        edges.sort_by_key(|(_, uses)| uses.len());
        for ((from, to), uses) in edges {
            text += &format!("    {from} -> {to}: {}\n", uses.len());
            for Use { file, line, named } in uses {
                text += &format!("      {file}:{line}: {named}\n");
            }
        }
    };
    part("upwards (without these there is no circle)", upwards);
    part("downwards", downwards);
    text
}

/// An order of the members in which few uses go upwards: each member moves as long as that helps.
fn order_of(circle: &Circle) -> Vec<String> {
    let mut order: Vec<String> = circle.members.iter().cloned().collect();
    let mut best = upwards(&circle.uses, &order);
    loop {
        let before = best;
        for from in 0..order.len() {
            for to in 0..order.len() {
                let mut other = order.clone();
                let moved = other.remove(from);
                other.insert(to, moved);
                let cost = upwards(&circle.uses, &other);
                if cost < best {
                    (order, best) = (other, cost);
                }
            }
        }
        if best == before {
            return order;
        }
    }
}

fn upwards(uses: &Level, order: &[String]) -> usize {
    let place = |name: &String| order.iter().position(|other| other == name);
    uses.iter().filter(|((from, to), _)| place(from) > place(to)).map(|(_, at)| at.len()).sum()
}
