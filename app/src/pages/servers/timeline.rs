//! When which server was made active, and when one was lost.

use crate::components::when::When;
use leptos::prelude::*;
use model::{EpochBegin, Outage, in_seconds};

/// The promotions so far, the newest first; nothing as long as there was only the first.
#[component]
pub fn Timeline(
    /// Newest first.
    epochs: Signal<Vec<EpochBegin>>,
) -> impl IntoView {
    move || {
        let epochs = epochs.get();
        (epochs.len() > 1).then(|| {
            let rows = epochs.into_iter().map(|begin| {
                let how = match (begin.kind.as_str(), begin.stopped) {
                    ("first", _) => "The installation was made".to_owned(),
                    ("handover", _) => "The server before gave its role".to_owned(),
                    (_, Some(stopped)) => format!("Taken over; the server before: {stopped}"),
                    (_, None) => "Taken over".to_owned(),
                };
                view! {
                    <tr>
                        <td class="number">{begin.epoch}</td>
                        <th scope="row">{begin.server}</th>
                        <td><When at=begin.at /></td>
                        <td>{begin.by}</td>
                        <td>{how}</td>
                    </tr>
                }
            });
            view! {
                <h2>"Past failovers"</h2>
                <div class="table-frame" role="region" aria-label="Past failovers" tabindex="0">
                    <table class="wide">
                        <thead>
                            <tr>
                                <th scope="col">"Epoch"</th>
                                <th scope="col">"Active server"</th>
                                <th scope="col">"Since"</th>
                                <th scope="col">"By"</th>
                                <th scope="col">"How"</th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
            }
        })
    }
}

/// The times in which another server did not answer, the newest first, with what was measured; nothing if there was none.
#[component]
pub fn OutageList(
    /// Newest first.
    outages: Signal<Vec<Outage>>,
) -> impl IntoView {
    move || {
        let outages = outages.get();
        (!outages.is_empty()).then(|| {
            let rows = outages.into_iter().map(|outage| {
                let devices = outage.devices_in_words();
                let active = outage.active_ms.map_or_else(|| "-".to_owned(), |ms| format!("after {}", in_seconds(ms)));
                let heard = match outage.heard_at {
                    Some(at) => view! { <When at /> }.into_any(),
                    None => "-".into_any(),
                };
                view! {
                    <tr>
                        <th scope="row">{outage.server_name}</th>
                        <td><When at=outage.lost_at /></td>
                        <td>{devices}</td>
                        <td>{active}</td>
                        <td>{heard}</td>
                    </tr>
                }
            });
            view! {
                <h2>"Servers that were lost"</h2>
                <div class="table-frame" role="region" aria-label="Servers that were lost" tabindex="0">
                    <table class="wide">
                        <thead>
                            <tr>
                                <th scope="col">"Server"</th>
                                <th scope="col">"Last heard"</th>
                                <th scope="col">"Its devices"</th>
                                <th scope="col">"This server active"</th>
                                <th scope="col">"Heard again"</th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
            }
        })
    }
}
