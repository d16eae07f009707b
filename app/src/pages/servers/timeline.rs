//! When which server was made active.

use crate::{components::when::When, model::EpochBegin};
use leptos::prelude::*;

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
