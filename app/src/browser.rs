//! The browser's own part: takes over the page that the server rendered, and listens for changes.

mod leaving;

use crate::{app::App, live::Live, unsaved::Unsaved};
use leptos::prelude::*;
use serde::Deserialize;
use std::{cell::RefCell, collections::BTreeSet, rc::Rc, time::Duration};
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Event, EventSource, MessageEvent};

/// Changes that come within this time are one refresh.
const GATHERING: Duration = Duration::from_millis(150);

/// A stream that the browser gave up is opened anew after this time.
const REOPENING: Duration = Duration::from_secs(5);

const STREAM: &str = "/api/v1/stream";

/// What the stream says of a change; the fields it does not need are left out.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Change {
    Device { id: u32 },
    WaitingDevice,
    Event,
    Rollout,
    Server,
    Database,
}

/// Changes that were heard and not yet told to the page.
#[derive(Default)]
struct Heard {
    devices: BTreeSet<u32>,
    waiting_devices: bool,
    events: bool,
    rollouts: bool,
    servers: bool,
    everything: bool,
    due: bool,
}

/// Makes the page react.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(|| {
        let live = Live::new();
        provide_context(live);
        let unsaved = Unsaved::new();
        provide_context(unsaved);
        leaving::guard(unsaved);
        Effect::new(move |_| {
            if live.wanted.get() {
                listen(live);
            }
        });
        view! { <App /> }
    });
}

/// Opens the stream. The browser itself reconnects after a network failure.
fn listen(live: Live) {
    let Ok(source) = EventSource::new(STREAM) else { return };
    let heard = Rc::new(RefCell::new(Heard::default()));

    let on_change = heard.clone();
    on(&source, "change", move |event| {
        let data = event.dyn_into::<MessageEvent>().ok().and_then(|message| message.data().as_string());
        note(&on_change, live, data.and_then(|data| serde_json::from_str(&data).ok()));
    });
    let on_reload = heard.clone();
    on(&source, "reload", move |_| note(&on_reload, live, None));

    // What happened since the page was made, or while the stream was away, is not repeated.
    on(&source, "open", move |_| note(&heard, live, None));
    let closed = source.clone();
    on(&source, "error", move |_| {
        if closed.ready_state() == EventSource::CLOSED {
            set_timeout(move || listen(live), REOPENING);
        }
    });
}

/// Listens as long as the page lives.
fn on(source: &EventSource, name: &str, react: impl Fn(Event) + 'static) {
    let react = Closure::<dyn Fn(Event)>::new(react);
    // Fails for no name and no function only.
    let _ = source.add_event_listener_with_callback(name, react.as_ref().unchecked_ref());
    react.forget();
}

/// Gathers a change; `None` stands for "anything".
fn note(heard: &Rc<RefCell<Heard>>, live: Live, change: Option<Change>) {
    let mut gathered = heard.borrow_mut();
    match change {
        Some(Change::Device { id }) => {
            gathered.devices.insert(id);
        }
        Some(Change::WaitingDevice) => gathered.waiting_devices = true,
        Some(Change::Event) => gathered.events = true,
        Some(Change::Rollout) => gathered.rollouts = true,
        Some(Change::Server) => gathered.servers = true,
        Some(Change::Database) | None => gathered.everything = true,
    }
    if !std::mem::replace(&mut gathered.due, true) {
        let heard = heard.clone();
        set_timeout(move || tell(heard.take(), live), GATHERING);
    }
}

fn tell(heard: Heard, live: Live) {
    if heard.everything {
        live.everything_changed();
        return;
    }
    if !heard.devices.is_empty() {
        live.devices_changed(heard.devices);
    }
    if heard.waiting_devices {
        live.waiting_devices.update(|number| *number += 1);
    }
    if heard.events {
        live.events.update(|number| *number += 1);
    }
    if heard.rollouts {
        live.rollouts.update(|number| *number += 1);
    }
    if heard.servers {
        live.servers.update(|number| *number += 1);
    }
}
