//! One rollout: how far it is, wave by wave and device by device, and the buttons that hold, end or take it back.

use super::super::{first_answer, first_fault};
use crate::{
    components::{
        alert::Refusal,
        card::Card,
        confirm::Confirm,
        icon::{Icon, IconName},
        loaded::Loaded,
        pager::Pager,
        push_progress::Entries,
        rollout_devices::RolloutDevices,
        rollout_status::{Counts, RolloutBadge, WaveTable, subject_of, word_of},
        when::When,
    },
    live::Live,
    server_fns::rollouts::{act_on_rollout, find_rollout, list_rollout_devices},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};
use model::{
    Fault, Page, Rollout, RolloutDevice, RolloutDeviceQuery, RolloutDeviceState, RolloutState, RolloutVerb, paths,
};

/// The page of the rollout in the address. Another rollout is another page.
#[component]
pub fn RolloutPage() -> impl IntoView {
    let params = use_params_map();
    // What is no number is the number of no rollout.
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse().ok()).unwrap_or(0)));
    view! { <div class="page">{move || view! { <OneRollout id=id.get() /> }}</div> }.into_any()
}

#[component]
fn OneRollout(id: u64) -> impl IntoView {
    let live = Live::current();
    let any_device = live.any_device();
    let changed = move || (live.rollouts.get(), any_device.get());
    let rollout = Resource::new(changed, move |_| find_rollout(id));
    let answered = first_fault(first_answer().as_ref());
    let navigate = use_navigate();
    let act = Action::new(move |verb: &RolloutVerb| {
        let (verb, navigate) = (*verb, navigate.clone());
        async move {
            let outcome = act_on_rollout(id, verb).await;
            rollout.refetch();
            match outcome {
                Ok(other) if other.id != id => {
                    navigate(&paths::rollout(other.id), NavigateOptions::default());
                    None
                }
                Ok(_) => None,
                Err(fault) => Some(fault),
            }
        }
    });
    let fault = Signal::derive(move || match act.value().get() {
        Some(outcome) => outcome,
        None => answered.clone(),
    });
    let on_act = Callback::new(move |verb| {
        act.dispatch(verb);
    });
    view! {
        <Title text=format!("Rollout {id}") />
        <Refusal fault=Signal::derive(move || fault.get().filter(|fault| *fault != Fault::NotSignedIn)) />
        <Loaded resource=rollout children=move |rollout| view! { <Course id rollout on_act /> } />
        <Devices id />
    }
    .into_any()
}

#[component]
fn Course(id: u64, rollout: Signal<Rollout>, on_act: Callback<RolloutVerb>) -> impl IntoView {
    view! {
        <div class="page-title">
            <a class="back" href=paths::ROLLOUTS aria-label="Back to Rollouts"><Icon name=IconName::Back /></a>
            <h1>{format!("Rollout {id}")}</h1>
            <p class="page-status" role="status" aria-label="Rollout">
                {move || view! { <RolloutBadge state=rollout.with(|rollout| rollout.state) /> }}
                {move || rollout.with(|rollout| rollout.reason.clone()).map(|reason| view! { <span>" "{reason}</span> })}
            </p>
        </div>
        <Verbs id rollout on_act />
        <Card title="Progress">
            {move || view! { <Counts id counts=rollout.with(|rollout| rollout.counts) /> }}
            {move || view! { <WaveTable waves=rollout.with(|rollout| rollout.waves.clone()) /> }}
            <p class="reason">{move || rollout.with(rule_of)}</p>
        </Card>
        <Card title="Servers">{move || view! { <What rollout=rollout.get() /> }}</Card>
    }
    .into_any()
}

/// When it stops by itself.
fn rule_of(rollout: &Rollout) -> String {
    let forgiven = match rollout.forgiven {
        0 => String::new(),
        1 => " One earlier failure was let pass.".to_owned(),
        many => format!(" {many} earlier failures were let pass."),
    };
    format!(
        "A wave begins when every device of the waves before has come to its end or is offline. The rollout stops by itself at {} failed.{forgiven}",
        match rollout.failure_limit {
            1 => "1 device".to_owned(),
            many => format!("{many} devices"),
        }
    )
}

#[component]
fn Verbs(id: u64, rollout: Signal<Rollout>, on_act: Callback<RolloutVerb>) -> impl IntoView {
    // An open question stays open while devices move.
    let fitting = Memo::new(move |_| {
        rollout.with(|rollout| RolloutVerb::ALL.into_iter().filter(|verb| verb.fits(rollout)).collect::<Vec<_>>())
    });
    let held = Memo::new(move |_| rollout.with(|rollout| rollout.state == RolloutState::Stopped));
    view! {
        <div class="rollout-verbs">
            {move || {
                let held = held.get();
                fitting.get().into_iter().map(|verb| {
                    let (label, question) = words_of(verb, held);
                    view! {
                        <Confirm
                            label=format!("{label} …")
                            question=question.to_owned()
                            yes=format!("{label} rollout {id}")
                            path=paths::act_on_rollout(id, verb)
                            on_confirm=Callback::new(move |()| on_act.run(verb))
                        />
                    }
                }).collect_view()
            }}
        </div>
    }
    .into_any()
}

fn words_of(verb: RolloutVerb, stopped: bool) -> (&'static str, &'static str) {
    match verb {
        RolloutVerb::Pause => ("Pause", "No further device is begun. Those under way come to their end."),
        RolloutVerb::Resume if stopped => {
            ("Resume", "The failures so far are let pass, and the next devices are begun.")
        }
        RolloutVerb::Resume => ("Resume", "The next devices are begun."),
        RolloutVerb::Abort => {
            ("Abort", "The rollout ends for good. What has not reached its device is withdrawn; the rest stays.")
        }
        RolloutVerb::Rollback => (
            "Roll back",
            "Every device that keeps what this rollout gave it gets the servers it had before, in waves. Devices edited since stay as they are.",
        ),
    }
}

/// What is rolled out, by whom, and what it has to do with others.
#[component]
fn What(rollout: Rollout) -> impl IntoView {
    let link = |id: u64| view! { <a href=paths::rollout(id)>{format!("rollout {id}")}</a> };
    let what = match rollout.entries.clone() {
        Some(entries) => view! { <Entries entries /> }.into_any(),
        None => view! { <p>"Each device gets the servers it had before."</p> }.into_any(),
    };
    view! {
        <p>{subject_of(&rollout)}", begun by "{rollout.created_by}", "<When at=rollout.created_at />"."</p>
        {rollout.rolls_back.map(|of| view! { <p>"Takes "{link(of)}" back."</p> })}
        {rollout.rolled_back_by.map(|by| view! { <p>"Taken back by "{link(by)}"."</p> })}
        {what}
    }
    .into_any()
}

#[component]
fn Devices(id: u64) -> impl IntoView {
    let live = Live::current();
    let any_device = live.any_device();
    let params = use_query_map();
    let query = Memo::new(move |_| {
        params.with(|params| RolloutDeviceQuery {
            state: params
                .get("state")
                .and_then(|name| RolloutDeviceState::ALL.into_iter().find(|state| state.name() == name)),
            limit: None,
            cursor: params.get("cursor").filter(|cursor| !cursor.is_empty()),
        })
    });
    let page = Memo::new(move |_| params.with(|p| p.get("page").and_then(|n| n.parse().ok()).unwrap_or(1_u64).max(1)));
    let devices = Resource::new(
        move || (query.get(), live.rollouts.get(), any_device.get()),
        move |(query, ..)| list_rollout_devices(id, query),
    );
    view! {
        <Loaded resource=devices quiet=true children=move |devices| view! { <DevicePage id devices query page /> } />
    }
    .into_any()
}

#[component]
fn DevicePage(
    id: u64,
    devices: Signal<Page<RolloutDevice>>,
    query: Memo<RolloutDeviceQuery>,
    page: Memo<u64>,
) -> impl IntoView {
    move || {
        let Page { items, next_cursor, total } = devices.get();
        let (only, page) = (query.with(|query| query.state), page.get());
        let first = paths::rollout_devices(id, only, None, 1);
        let next = next_cursor.map(|cursor| paths::rollout_devices(id, only, Some(&cursor), page + 1));
        let heading = only.map_or("Devices".to_owned(), |state| format!("Devices: {}", word_of(state)));
        view! {
            <h2 class="rollout-heading">{heading}</h2>
            <RolloutDevices devices=items />
            <Pager page limit=None total first next />
        }
    }
}
