//! A long text to take elsewhere.

use leptos::{html, prelude::*};

/// A text that is selected as a whole when it is entered.
#[component]
pub fn CopyField(
    /// The label.
    label: &'static str,
    /// The text.
    value: String,
) -> impl IntoView {
    let area = NodeRef::<html::Textarea>::new();
    let select = move |_| {
        if let Some(area) = area.get() {
            area.select();
        }
    };
    view! {
        <div class="copy-field">
            <label for="copy-field">{label}</label>
            <textarea id="copy-field" rows="4" readonly spellcheck="false" node_ref=area on:focus=select>{value}</textarea>
            <p class="hint">"Click into the field to select it all, then copy it."</p>
        </div>
    }
}
