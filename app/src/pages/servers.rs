//! The servers of the installation.

pub mod automatic;
pub mod drills;
pub mod newcomers;
pub mod role;
pub mod timeline;

use super::{first_answer, first_fault};
use crate::{
    components::{alert::Refusal, confirm::Confirm, loaded::Loaded, unserved::UnservedCount, when::When},
    live::Live,
    server_fns::servers::{
        decide_on_newcomer, drain_server, find_evidence, list_divergent_changes, list_epochs, list_newcomers,
        list_outages, list_servers, rejoin_server, remove_server, settle_divergent_changes,
    },
};
use automatic::Automatic;
use drills::DrillSection;
use leptos::prelude::*;
use leptos_meta::Title;
use model::{CopyFacts, Decision, Fault, PeerState, Replication, Role, Server, paths, size_in_words};
use newcomers::NewcomerList;
use role::{DivergentChangeList, RoleCard};
use timeline::{OutageList, Timeline};

/// Who is active, who answers, who holds how many devices, and who asks to join.
#[component]
pub fn ServersPage() -> impl IntoView {
    let live = Live::current();
    let servers = Resource::new(move || (live.servers.get(), live.any_device().get()), |_| list_servers());
    let evidence = Resource::new(move || (live.servers.get(), live.any_device().get()), |_| find_evidence());
    let divergent_changes = Resource::new(move || live.servers.get(), |_| list_divergent_changes());
    let epochs = Resource::new(move || live.servers.get(), |_| list_epochs());
    let outages = Resource::new(move || live.servers.get(), |_| list_outages());
    let newcomers = Resource::new(move || live.servers.get(), |_| list_newcomers());
    // What can be asked of this server, and how it was refused.
    let fault = RwSignal::new(first_fault(first_answer().as_ref()));
    let servers_anew = move || servers.refetch();
    let on_rejoin = asking(fault, rejoin_server, servers_anew);
    let on_settle = asking(fault, |(): ()| settle_divergent_changes(), move || divergent_changes.refetch());
    let on_drain = asking(fault, |(id, away): (String, bool)| drain_server(id, away), servers_anew);
    let on_remove = asking(fault, remove_server, servers_anew);
    let on_decide = asking(
        fault,
        |(id, decision): (String, Decision)| decide_on_newcomer(id, decision),
        move || newcomers.refetch(),
    );
    view! {
        <Title text="Servers" />
        <div class="page">
            <h1>"Servers"</h1>
            <p class="lead">
                "Every server accepts the devices of the installation. Only the active one changes settings; a standby works with a copy of its database."
            </p>
            <Refusal fault />
            <Loaded resource=servers children=move |servers| view! {
                <ServerList servers />
                <div class="server-actions">
                    <CopyNow servers />
                    <Drain servers on_drain />
                    <Removals servers on_remove />
                </div>
                <Loaded resource=evidence quiet=true children=move |evidence| view! {
                    <UnservedCount servers evidence />
                    <RoleCard servers evidence on_rejoin />
                } />
                <Automatic servers />
                <DrillSection servers />
            } />
            <Loaded resource=divergent_changes quiet=true children=move |writes| view! { <DivergentChangeList writes on_settle /> } />
            <Loaded resource=epochs quiet=true children=move |epochs| view! { <Timeline epochs /> } />
            <Loaded resource=outages quiet=true children=move |outages| view! { <OutageList outages /> } />
            <p class="quiet">
                "Where this portal answers by HTTPS with a certificate of its own, browsers trust it once they trust the "
                <a href=paths::AUTHORITY rel="external" download="">"certificate of this installation's authority"</a>"."
            </p>
            <Loaded
                resource=newcomers
                quiet=true
                children=move |newcomers| view! { <NewcomerList newcomers on_decide /> }
            />
        </div>
    }
    .into_any()
}

/// What a button does: `ask`, show why that was refused, and look again.
fn asking<T, R, F>(
    fault: RwSignal<Option<Fault>>,
    ask: impl Fn(T) -> F + Send + Sync + 'static,
    look_again: impl Fn() + Copy + Send + Sync + 'static,
) -> Callback<T>
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<R, Fault>> + Send + 'static,
{
    let action = Action::new(move |input: &T| {
        let asked = ask(input.clone());
        async move {
            fault.set(asked.await.err());
            look_again();
        }
    });
    Callback::new(move |input| {
        action.dispatch(input);
    })
}

/// Has the standby get a copy now; on the active server of two.
#[component]
fn CopyNow(servers: Signal<Vec<Server>>) -> impl IntoView {
    let id = Memo::new(move |_| {
        servers.with(|servers| {
            let own = servers.iter().find(|server| server.state == PeerState::This)?;
            (own.role == Role::Active && own.replication.is_none() && servers.len() > 1).then(|| own.id.clone())
        })
    });
    move || {
        let id = id.get()?;
        Some(view! {
            <form method="post" action=paths::copy_now(&id)>
                <button type="submit" class="button">"Copy now"</button>
            </form>
        })
    }
}

/// Sends the devices of this server away, before it is stopped.
#[component]
fn Drain(servers: Signal<Vec<Server>>, on_drain: Callback<(String, bool)>) -> impl IntoView {
    let own = Memo::new(move |_| {
        let own = servers.with(|servers| servers.iter().find(|server| server.state == PeerState::This).cloned());
        own.map(|server| (server.id, server.name, server.draining))
    });
    move || {
        let (id, name, draining) = own.get()?;
        let (path, asked) = if draining { (paths::end_drain(&id), id) } else { (paths::drain(&id), id) };
        let (label, question, yes) = match draining {
            false => (
                "Drain devices",
                format!(
                    "Every device that is connected to {name} goes to another server, a few at a time, and does not come back by itself until this is ended here. Do this before you stop or update {name}."
                ),
                "Drain them",
            ),
            true => (
                "Take devices again",
                format!(
                    "{name} is open to devices again. They come back as their settings say, by default after five minutes."
                ),
                "Take them again",
            ),
        };
        let on_confirm = Callback::new(move |()| on_drain.run((asked.clone(), !draining)));
        Some(view! {
            <div class="server-drain">
                <Confirm label=label.to_owned() question yes=yes.to_owned() path on_confirm />
            </div>
        })
    }
}

/// Ids and names of the other servers in this state; none unless this one is active.
fn others_of_active(servers: &[Server], state: PeerState) -> Vec<(String, String)> {
    let active = servers.iter().any(|one| one.state == PeerState::This && one.role == Role::Active);
    let others = servers.iter().filter(|one| active && one.state == state);
    others.map(|one| (one.id.clone(), one.name.clone())).collect()
}

/// Takes out a server that does not come back; on the active one.
#[component]
fn Removals(servers: Signal<Vec<Server>>, on_remove: Callback<String>) -> impl IntoView {
    let silent = Memo::new(move |_| servers.with(|servers| others_of_active(servers, PeerState::Unreachable)));
    move || {
        let removal = |(id, name): (String, String)| {
            let question = format!(
                "{name} does not belong to the installation any more, and is refused should it ever start again. Do this when it does not come back, for example because its machine was replaced: the new one joins as another server. Take its address off the devices' lists as well."
            );
            let path = paths::remove_server(&id);
            let on_confirm = Callback::new(move |()| on_remove.run(id.clone()));
            view! {
                <Confirm label=format!("Remove {name}") question yes="Remove it".to_owned() path on_confirm />
            }
        };
        silent.get().into_iter().map(removal).collect_view()
    }
}

#[component]
fn ServerList(servers: Signal<Vec<Server>>) -> impl IntoView {
    let on_server = Memo::new(move |_| servers.with(|servers| servers.iter().any(|one| one.replication.is_some())));
    view! {
        <div class="table-frame" role="region" aria-label="Servers" tabindex="0">
            <table class="wide">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Epoch"</th>
                        <th scope="col">"Devices"</th>
                        <th scope="col">{move || if on_server.get() { "Database" } else { "Copy taken" }}</th>
                    </tr>
                </thead>
                <tbody>
                    {move || servers.get().into_iter().map(|server| view! { <ServerRow server /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn ServerRow(server: Server) -> impl IntoView {
    let role = match server.state {
        PeerState::This | PeerState::Reachable => server.role.label().to_owned(),
        PeerState::Unreachable => format!("Was {}", server.role.label().to_lowercase()),
    };
    let (class, state) = match server.state {
        PeerState::This => ("mark mark-good", "This server"),
        PeerState::Reachable => ("mark mark-good", "Reachable"),
        PeerState::Unreachable => ("mark mark-bad", "Unreachable"),
    };
    let last_heard = server.last_heard.filter(|_| server.state == PeerState::Unreachable);
    view! {
        <tr>
            <th scope="row">{server.name}</th>
            <td>{role}</td>
            <td>
                <span class=class>{state}</span>
                {last_heard.map(|at| view! { <span class="quiet">" last heard "<When at /></span> })}
            </td>
            <td class="number">{server.epoch}</td>
            <td class="number">{server.devices}</td>
            <td>
                {server.copy_taken_at.map(|at| view! { <CopyCell at copy=server.copy /> })}
                {server.replication.map(|replication| view! { <ReplicationCell replication /> })}
            </td>
        </tr>
    }
}

/// When a standby's copy was taken, what it lacks, and whether a restore of it was tested.
#[component]
fn CopyCell(at: String, copy: Option<CopyFacts>) -> impl IntoView {
    let more = copy.map(|copy| {
        let lost = copy.lost_in_words();
        let size = size_in_words(copy.size_bytes);
        let took = copy.took_ms.map(|ms| format!(" in {}.{} s", ms / 1000, ms % 1000 / 100)).unwrap_or_default();
        let restore_test = copy.restore_test.map(|restore_test| match restore_test.flaw {
            None => view! { <span>"restore tested "<When at=restore_test.at /></span> }.into_any(),
            Some(flaw) => {
                view! { <span class="mark mark-bad">{format!("A failover to it would fail: {flaw}")}</span> }.into_any()
            }
        });
        view! { <div class="quiet">{format!("{size}{took}; {lost}")}</div><div class="quiet">{restore_test}</div> }
    });
    view! { <When at />{more} }.into_any()
}

/// How the database server stands.
#[component]
fn ReplicationCell(replication: Replication) -> impl IntoView {
    let class = if replication.is_troubled() { "mark mark-bad" } else { "quiet" };
    view! { <span class=class>{replication.words()}</span> }.into_any()
}
