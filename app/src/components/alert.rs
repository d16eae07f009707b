//! What went wrong, told where it is seen and heard.

use super::icon::{Icon, IconName};
use leptos::{html, prelude::*};
use model::{Fault, FieldError};

/// A refusal: what it was, and a link to each field that broke a rule.
#[component]
pub fn Refusal(
    /// Nothing is shown while there is none.
    #[prop(into)]
    fault: Signal<Option<Fault>>,
    /// It came by itself: whoever is typing goes on typing. Otherwise it takes the focus.
    #[prop(optional)]
    unasked: bool,
) -> impl IntoView {
    move || fault.get().map(|fault| view! { <Told fault unasked /> })
}

#[component]
fn Told(fault: Fault, unasked: bool) -> impl IntoView {
    let summary = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(summary) = summary.get().filter(|_| !unasked) {
            // An element that left the page in the meantime cannot take the focus, and need not.
            let _ = summary.focus();
        }
    });
    let errors = fault.errors().to_vec();
    let headline = match errors.len() {
        0 => fault.to_string(),
        1 => "Nothing was saved: one field needs attention.".to_owned(),
        n => format!("Nothing was saved: {n} fields need attention."),
    };
    view! {
        <div class="alert" role="alert" tabindex="-1" autofocus=!unasked node_ref=summary>
            <Icon name=IconName::Warning />
            <div>
                <p class="alert-headline">{headline}</p>
                {(!errors.is_empty()).then(|| view! { <FieldErrors errors /> })}
            </div>
        </div>
    }
}

#[component]
fn FieldErrors(errors: Vec<FieldError>) -> impl IntoView {
    let items = errors.into_iter().map(|error| {
        let place = place_of(&error.field).map(|place| format!("{place}: ")).unwrap_or_default();
        let href = format!("#{}", id_of(&error.field));
        // The router would take a link without `rel` for a page of its own.
        view! { <li><a href=href rel="external">{place}{sentence(&error.message())}</a></li> }
    });
    view! { <ul>{items.collect_view()}</ul> }
}

/// The id of the input for a field: `entries[0].address` is `entries-0-address`.
#[must_use]
pub fn id_of(field: &str) -> String {
    field.replace('[', "-").replace("].", "-").replace([']', '.', '_'], "-")
}

/// A rule as a sentence: rules from deeper down begin in lower case and have no full stop.
#[must_use]
pub fn sentence(rule: &str) -> String {
    let mut rest = rule.chars();
    let first: String = rest.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let stop = if rule.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", rest.as_str())
}

/// Which entry a field belongs to, for people.
fn place_of(field: &str) -> Option<String> {
    let (index, name) = field.strip_prefix("entries[")?.split_once("].")?;
    Some(format!("Entry {}, {name}", index.parse::<usize>().ok()? + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_as_sentences() {
        assert_eq!(sentence("a port is a number"), "A port is a number.");
        assert_eq!(sentence("Use another name."), "Use another name.");
    }

    #[test]
    fn fields_have_ids_and_places() {
        assert_eq!(id_of("entries[0].address"), "entries-0-address");
        assert_eq!(id_of("expires_in_seconds"), "expires-in-seconds");
        assert_eq!(place_of("entries[1].port").as_deref(), Some("Entry 2, port"));
        assert_eq!(place_of("name"), None);
    }
}
