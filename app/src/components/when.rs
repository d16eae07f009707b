//! A moment, as people read it and as programs do.

use leptos::prelude::*;

/// An RFC 3339 time in UTC, to the second.
#[component]
pub fn When(
    /// As the server sent it.
    #[prop(into)]
    at: String,
) -> impl IntoView {
    let text = readable(&at);
    view! { <time datetime=at>{text}</time> }
}

/// `2026-07-25T10:00:00.000Z` as `2026-07-25 10:00:00 UTC`; anything else as it is.
#[must_use]
pub fn readable(at: &str) -> String {
    match (at.get(..10), at.get(10..11), at.get(11..19)) {
        (Some(day), Some("T"), Some(time)) if at.ends_with('Z') => format!("{day} {time} UTC"),
        _ => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_lose_their_milliseconds() {
        assert_eq!(super::readable("2026-07-25T10:00:00.123Z"), "2026-07-25 10:00:00 UTC");
        assert_eq!(super::readable("yesterday"), "yesterday");
    }
}
