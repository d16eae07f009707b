//! Making this server the active one, and its way back. The form is posted as it is.

use crate::{
    components::{
        alert::id_of,
        card::Card,
        confirm::Confirm,
        field::{FieldError, described_by},
        when::When,
    },
    pages::{error_at, field_errors, first_answer, first_fault},
};
use leptos::prelude::*;
use model::{
    DivergentChange, Evidence, FormAnswer, OtherServer, PeerState, PromotionInput, Replication, Role, Server, Typed,
    paths,
};

/// What an operator can do about the role of this server; nothing on the active one.
#[component]
pub fn RoleCard(
    /// All servers.
    servers: Signal<Vec<Server>>,
    /// What is known of this one and the others.
    evidence: Signal<Evidence>,
    /// Makes it a standby again.
    on_rejoin: Callback<String>,
) -> impl IntoView {
    let own = Memo::new(move |_| {
        let own = servers.with(|servers| servers.iter().find(|server| server.state == PeerState::This).cloned());
        own.filter(|server| server.role != Role::Active).map(|server| (server.id, server.name, server.role))
    });
    let active = Memo::new(move |_| {
        evidence.with(|evidence| {
            let answers = |other: &&OtherServer| other.role == Role::Active && other.reachable;
            evidence.others.iter().find(answers).map(|other| other.name.clone())
        })
    });
    move || {
        let (id, name, role) = own.get()?;
        let back = (role == Role::ReadOnly).then(|| active.get()).flatten();
        let back = back.map(|active| {
            let name = name.clone();
            let (path, question) = (paths::rejoin(&id), rejoin_question(&name, &active));
            let id = id.clone();
            let on_confirm = Callback::new(move |()| on_rejoin.run(id.clone()));
            let follow = format!("{active} is active. {name} can follow it as standby, and then take the role back below.");
            view! {
                <Card title="Work as standby again">
                    <p>{follow}</p>
                    <Confirm label="Join as standby".to_owned() question yes="Join as standby".to_owned() path on_confirm />
                </Card>
            }
        });
        Some(view! {
            {back}
            <Card title="Make this server active">
                <EvidenceList evidence />
                <PromotionForm id name evidence />
            </Card>
        })
    }
}

fn rejoin_question(name: &str, active: &str) -> String {
    format!(
        "{name} fetches the database of {active} and follows it from then on. Its own database is kept aside, and changes that only it holds are listed on this page."
    )
}

#[component]
fn EvidenceList(evidence: Signal<Evidence>) -> impl IntoView {
    let devices = move || evidence.with(|known| format!("{} of {}", known.devices_here, known.devices));
    let copy = move || {
        evidence.with(|known| {
            let at = known.copy_taken_at.clone()?;
            let missing = known.changes_missing.unwrap_or_default();
            let lost = match missing {
                0 => "has every change that the active server was heard to have",
                1 => "lacks 1 change that the active server was heard to have",
                _ => "lacks changes that the active server was heard to have",
            };
            let count = (missing > 1).then(|| format!(" ({missing})"));
            Some(view! {
                <dt>"This server's copy"</dt>
                <dd>"taken "<When at />", "{lost}{count}</dd>
            })
        })
    };
    let database = move || {
        let words = evidence.with(|known| known.replication.as_ref().map(Replication::words))?;
        Some(view! { <dt>"Its database"</dt><dd>{words}</dd> })
    };
    let others = move || {
        let rows = evidence.with(|known| known.others.clone()).into_iter().map(|other| {
            let state = if other.reachable { "answers" } else { "does not answer" };
            let heard = other.last_heard.filter(|_| !other.reachable);
            view! {
                <dt>{other.name}</dt>
                <dd>
                    {format!("{}, epoch {}, {state}", other.role.label(), other.epoch)}
                    {heard.map(|at| view! { ", last heard "<When at /> })}
                    {format!(", holds {} devices", other.devices)}
                </dd>
            }
        });
        rows.collect_view()
    };
    view! {
        <dl class="evidence">
            {others}
            <dt>"Devices on this server"</dt>
            <dd>{devices}</dd>
            {copy}
                {database}
        </dl>
    }
}

#[component]
fn PromotionForm(id: String, name: String, evidence: Signal<Evidence>) -> impl IntoView {
    let answer = first_answer();
    let typed = match &answer {
        Some(FormAnswer::Refused { typed: Typed::Promotion { input }, .. }) => input.clone(),
        Some(FormAnswer::Refused { .. } | FormAnswer::Made { .. }) | None => PromotionInput::default(),
    };
    let fault = first_fault(answer.as_ref());
    let errors = RwSignal::new(field_errors(fault.as_ref()));
    let needs_account = Memo::new(move |_| evidence.with(|known| known.needs_account));
    let (confirm, stopped) = (error_at(errors, "confirm"), error_at(errors, "stopped"));
    let account = typed.stopped.unwrap_or_default();
    view! {
        <form method="post" action=paths::promote(&id) class="promotion">
            <p>
                {move || match needs_account.get() {
                    true => "The other server does not answer. It must not write any more: two active servers would tear the installation apart. What it wrote and this server's copy lacks is lost, or listed when it comes back; devices bring their own lists and events along.",
                    false => "The active server gives its role first: it stops writing, this server fetches all that it wrote, and nothing is lost.",
                }}
            </p>
            {move || needs_account.get().then(|| view! {
                <TextField label="How was the other server stopped?" name="stopped" value=account.clone() error=stopped />
            })}
            <TextField label="Type the name of this server to confirm" name="confirm" value=typed.confirm error=confirm />
            <p class="quiet">{format!("Its name: {name}")}</p>
            <button type="submit" class="button button-primary">"Make this server active"</button>
        </form>
    }
}

#[component]
fn TextField(label: &'static str, name: &'static str, value: String, error: Signal<Option<String>>) -> impl IntoView {
    let id = id_of(name);
    let error_id = format!("{id}-error");
    view! {
        <div class="field field-required">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=name
                type="text"
                autocomplete="off"
                required
                value=value
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by(error, error_id.clone(), None)
            />
            <FieldError id=error_id error />
        </div>
    }
}

/// What only this server wrote while another one was active; nothing if there is none.
#[component]
pub fn DivergentChangeList(
    /// Oldest first.
    writes: Signal<Vec<DivergentChange>>,
    /// An operator has dealt with all of them.
    on_settle: Callback<()>,
) -> impl IntoView {
    move || {
        let writes = writes.get();
        (!writes.is_empty()).then(|| {
            let rows = writes.into_iter().map(|write| view! {
                <tr>
                    <td><When at=write.at /></td>
                    <td>{write.operator}</td>
                    <th scope="row">{write.subject}</th>
                    <td><code>{write.action}</code></td>
                    <td><code class="lone-value">{write.after.unwrap_or_default()}</code></td>
                </tr>
            });
            view! {
                <h2>"Changes that only this server had"</h2>
                <p class="lead">
                    "They were made here while another server was active already, and are in no other database. Make those again that still count, on the active server."
                </p>
                <div class="table-frame" role="region" aria-label="Changes that only this server had" tabindex="0">
                    <table class="wide">
                        <thead>
                            <tr>
                                <th scope="col">"When"</th>
                                <th scope="col">"Who"</th>
                                <th scope="col">"What"</th>
                                <th scope="col">"Change"</th>
                                <th scope="col">"Became"</th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
                <div class="server-drain">
                    <Confirm
                        label="Dealt with".to_owned()
                        question="The list goes away. The database that holds these changes stays in the archive of this server.".to_owned()
                        yes="They are dealt with".to_owned()
                        path=paths::SETTLE_DIVERGENT_CHANGES.to_owned()
                        on_confirm=on_settle
                    />
                </div>
            }
        })
    }
}
