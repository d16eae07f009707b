//! Whether a standby takes over by itself, and the switch.

use crate::{
    components::{alert::Refusal, card::Card, confirm::Confirm, loaded::Loaded},
    live::Live,
    server_fns::servers::{find_automatic_promotion, set_automatic_promotion},
};
use leptos::prelude::*;
use model::{AutomaticPromotion, PeerState, Role, Server, paths};

/// How it stands; nothing for a server that is alone.
#[component]
pub fn Automatic(
    /// All servers.
    servers: Signal<Vec<Server>>,
) -> impl IntoView {
    let live = Live::current();
    let state = Resource::new(move || (live.servers.get(), live.any_device().get()), |_| find_automatic_promotion());
    let fault = RwSignal::new(None);
    let switch = Action::new(move |enabled: &bool| {
        let enabled = *enabled;
        async move {
            fault.set(set_automatic_promotion(enabled).await.err());
            state.refetch();
        }
    });
    let on_switch = Callback::new(move |enabled| {
        switch.dispatch(enabled);
    });
    let paired = Memo::new(move |_| servers.with(|servers| servers.len() > 1));
    let active = Memo::new(move |_| {
        servers.with(|servers| servers.iter().any(|one| one.state == PeerState::This && one.role == Role::Active))
    });
    view! {
        <Refusal fault />
        <Loaded resource=state quiet=true children=move |state| view! {
            <AutomaticCard state paired active on_switch />
        } />
    }
    .into_any()
}

#[component]
fn AutomaticCard(
    state: Signal<AutomaticPromotion>,
    paired: Memo<bool>,
    active: Memo<bool>,
    on_switch: Callback<bool>,
) -> impl IntoView {
    let electors = move || {
        state.with(|now| format!("{} of {}; {} of them on this server", now.electors, now.devices, now.electors_here))
    };
    // An open question stays open while numbers change.
    let wanted = Memo::new(move |_| {
        let (possible, wanted) = state.with(|now| (now.possible, now.wanted));
        (possible && active.get()).then_some(wanted)
    });
    let button = move || wanted.get().map(|wanted| switch_button(!wanted, on_switch));
    move || {
        paired.get().then(|| view! {
            <Card title="Automatic promotion">
                <p>{move || state.with(words)}</p>
                {move || state.with(|now| now.possible).then(|| view! {
                    <dl class="evidence">
                        <dt>"State"</dt>
                        <dd>{move || state.with(AutomaticPromotion::state)}</dd>
                        {move || state.with(|now| now.wanted).then(|| view! {
                            <dt>"Devices that count"</dt>
                            <dd>{electors}</dd>
                        })}
                        {move || state.with(|now| now.note.clone()).map(|note| view! { <dt>"Why"</dt><dd>{note}</dd> })}
                    </dl>
                })}
                {button}
            </Card>
        })
    }
}

fn words(now: &AutomaticPromotion) -> String {
    if !now.possible {
        return now.note.clone().unwrap_or_default();
    }
    format!(
        "While this is on, the standby takes over by itself when the active server has been silent for {} seconds and more than half of the devices were on the standby all that time, and an active server that hears neither the other one nor half of the devices for {} seconds changes nothing.",
        now.window_seconds, now.hold_seconds
    )
}

fn switch_button(on: bool, on_switch: Callback<bool>) -> impl IntoView + use<> {
    let (label, question, yes) = if on {
        (
            "Switch on",
            "Devices decide from now on: those that have both servers on their list and have reached both. After a takeover it is out of force until the other server has joined again.",
            "Switch it on",
        )
    } else {
        ("Switch off", "From now on only an operator makes the standby active.", "Switch it off")
    };
    let on_confirm = Callback::new(move |()| on_switch.run(on));
    view! {
        <Confirm
            label=label.to_owned()
            question=question.to_owned()
            yes=yes.to_owned()
            path=paths::AUTOMATIC_PROMOTION.to_owned()
            field=("enabled", on.to_string())
            on_confirm
        />
    }
}
