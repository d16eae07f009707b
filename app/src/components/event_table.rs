//! The table of events.

use super::when::When;
use leptos::prelude::*;
use model::Event;
use model::paths;

/// Events, one a row.
#[component]
pub fn EventTable(
    /// In the list's order.
    events: Vec<Event>,
) -> impl IntoView {
    view! {
        <div class="table-frame" role="region" aria-label="Events" tabindex="0">
            <table class="wide">
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        <th scope="col">"Device"</th>
                        <th scope="col">"Event"</th>
                        <th scope="col">"Code"</th>
                        <th scope="col">"User"</th>
                        <th scope="col">"Details"</th>
                    </tr>
                </thead>
                <tbody>{events.into_iter().map(|event| view! { <Row event /> }).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(event: Event) -> impl IntoView {
    view! {
        <tr>
            <td><When at=event.time /></td>
            <td class="device-name"><a href=paths::device(event.device_id)>{event.device_name}</a></td>
            <td>{event.name}</td>
            <td class="number">{event.code}</td>
            <td>{event.user_id}</td>
            <td>{event.detail}</td>
        </tr>
    }
}
