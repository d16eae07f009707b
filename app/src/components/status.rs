//! Marks that say in a word and a colour how something is.

use leptos::prelude::*;
use model::{DeviceStatus, PushState};

/// Connected or not.
#[component]
pub fn StatusMark(
    /// On a server or not.
    status: DeviceStatus,
) -> impl IntoView {
    let (class, text) = match status {
        DeviceStatus::Connected => ("mark mark-good", "Connected"),
        DeviceStatus::Disconnected => ("mark mark-bad", "Disconnected"),
    };
    view! { <span class=class>{text}</span> }
}

/// How far the newest push has come.
#[component]
pub fn PushBadge(
    /// Its state.
    state: PushState,
) -> impl IntoView {
    view! { <span class=format!("badge badge-{}", tone(state))>{state_word(state)}</span> }
}

/// A push state as people read it.
#[must_use]
pub fn state_word(state: PushState) -> &'static str {
    match state {
        PushState::Pending => "Pending",
        PushState::Staged => "Staged",
        PushState::Probed => "Probed",
        PushState::Trial => "Trial",
        PushState::Committed => "Committed",
        PushState::RolledBack => "Rolled back",
        PushState::Superseded => "Superseded",
        PushState::Drifted => "Drifted",
        PushState::Conflict => "Conflict",
    }
}

/// The colour a push state is shown in.
#[must_use]
pub fn tone(state: PushState) -> &'static str {
    match state {
        PushState::Pending | PushState::Superseded => "quiet",
        PushState::Staged | PushState::Probed | PushState::Trial => "busy",
        PushState::Committed => "good",
        PushState::RolledBack | PushState::Drifted | PushState::Conflict => "bad",
    }
}
