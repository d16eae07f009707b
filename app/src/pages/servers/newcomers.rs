//! Servers that ask to join.

use crate::components::{decision::DecisionForm, when::When};
use leptos::prelude::*;
use model::{Decision, Newcomer, grouped, paths};

/// Those that wait for an operator, if any do.
#[component]
pub fn NewcomerList(
    /// Who waits.
    newcomers: Signal<Vec<Newcomer>>,
    /// Fingerprint and answer.
    on_decide: Callback<(String, Decision)>,
) -> impl IntoView {
    move || {
        let newcomers = newcomers.get();
        (!newcomers.is_empty()).then(|| {
            let rows = newcomers.into_iter().map(|newcomer| view! { <NewcomerRow newcomer on_decide /> });
            view! {
                <h2>"Servers that ask to join"</h2>
                <p class="lead">
                    "Confirm a server only when its fingerprint is the one that the server itself shows. It then gets all keys of this installation."
                </p>
                <div class="table-frame" role="region" aria-label="Servers that ask to join" tabindex="0">
                    <table class="wide">
                        <thead>
                            <tr>
                                <th scope="col">"Name"</th>
                                <th scope="col">"Address"</th>
                                <th scope="col">"Fingerprint (SHA-256)"</th>
                                <th scope="col">"Asks since"</th>
                                <th scope="col">"Decision"</th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
            }
        })
    }
}

#[component]
fn NewcomerRow(newcomer: Newcomer, on_decide: Callback<(String, Decision)>) -> impl IntoView {
    let Newcomer { fingerprint, name, peer, first_seen } = newcomer;
    let (yes_path, no_path) = (paths::confirm_newcomer(&fingerprint), paths::reject_newcomer(&fingerprint));
    let shown = grouped(&fingerprint);
    let on_decide = Callback::new(move |decision| on_decide.run((fingerprint.clone(), decision)));
    let who = name.clone().unwrap_or_else(|| format!("the server at {peer}"));
    view! {
        <tr>
            <td>{name.unwrap_or_else(|| "Not named".to_owned())}</td>
            <td>{peer}</td>
            <td><code class="fingerprint">{shown}</code></td>
            <td><When at=first_seen /></td>
            <td><DecisionForm who yes="Confirm" yes_path no_path on_decide /></td>
        </tr>
    }
    .into_any()
}
