//! Pages: how many rows, and from where.

use model::{ChoiceRule, Fault};

/// Rows of a page if the question does not say, and the most.
pub(crate) const USUAL: (u32, u32) = (50, 200);

pub(crate) fn limit_of(limit: Option<u32>, (usual, most): (u32, u32)) -> Result<usize, Fault> {
    match limit.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit as usize),
        _ => Err(Fault::field("limit", ChoiceRule::PageLength { most })),
    }
}

/// The number in a cursor.
pub(crate) fn place_of(cursor: Option<&str>) -> Result<Option<u64>, Fault> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let place = cursor.parse().map(Some);
    place.map_err(|_| Fault::field("cursor", ChoiceRule::Cursor))
}
