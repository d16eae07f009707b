//! One row of the Server table.

use super::{
    super::{
        alert::id_of,
        field::{FieldError, described_by},
        icon::{Icon, IconName},
    },
    RowEdit, TableState,
};
use leptos::{ev, prelude::*, wasm_bindgen::JsCast, web_sys::HtmlElement};
use model::{DeviceServers, EntryInput};
use web_sys::DragEvent;

/// One row: priority, address, port, state, and what moves or removes it.
#[component]
pub fn EntryRow(
    /// From 0 at the top.
    index: usize,
    /// What the table works on.
    state: TableState,
    /// The row that is being dragged.
    dragged: RwSignal<Option<usize>>,
) -> impl IntoView {
    let hidden = move || state.hydrated.get() && state.rows.with(|rows| index >= rows.shown());
    let on_key = move |event: ev::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowUp" if event.alt_key() => -1,
            "ArrowDown" if event.alt_key() => 1,
            _ => return,
        };
        event.prevent_default();
        move_row(state, index, index.saturating_add_signed(step));
    };
    let on_drop = move |event: ev::DragEvent| {
        event.prevent_default();
        if let Some(from) = dragged.get_untracked() {
            state.edit.run(RowEdit::Move(from, index));
        }
        dragged.set(None);
    };
    let class = move || match dragged.get() {
        Some(from) if from == index => "dragged",
        Some(_) => "drop-target",
        None => "",
    };
    view! {
        <tr
            hidden=hidden
            class=class
            on:keydown=on_key
            on:dragover=move |event| if dragged.get_untracked().is_some() { event.prevent_default() }
            on:drop=on_drop
        >
            <Cell index state column=Column::PRIORITY />
            <Cell index state column=Column::ADDRESS />
            <Cell index state column=Column::PORT />
            <td class="entry-state">{move || state.servers.get().and_then(|servers| mark(&servers, &state.rows.with(|rows| rows.row(index))))}</td>
            <td class="entry-order" hidden=move || !state.hydrated.get()>
                <Actions index state dragged />
            </td>
        </tr>
    }
    .into_any()
}

/// Moves a server, and the focus with it.
fn move_row(state: TableState, from: usize, to: usize) {
    if from == to || state.rows.with_untracked(|rows| to >= rows.shown()) {
        return;
    }
    let focused = document().active_element().map(|element| element.id()).unwrap_or_default();
    let follow = focused.replace(&format!("entries-{from}-"), &format!("entries-{to}-"));
    state.edit.run(RowEdit::Move(from, to));
    // At either end the button that was pressed cannot be pressed again, and takes no focus.
    request_animation_frame(move || focus_first(&[&follow, &format!("entries-{to}-address")]));
}

/// Gives the focus to the first of these elements that takes it.
fn focus_first(ids: &[&str]) {
    for id in ids {
        let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok());
        if element.is_some_and(|element| !element.has_attribute("disabled") && element.focus().is_ok()) {
            return;
        }
    }
}

/// A column with an input.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    label: &'static str,
    placeholder: &'static str,
    numeric: bool,
    value: fn(EntryInput) -> String,
    edit: fn(usize, String) -> RowEdit,
}

impl Column {
    const PRIORITY: Self = Self {
        name: "priority",
        label: "Priority",
        placeholder: "",
        numeric: true,
        value: |row| row.priority,
        edit: RowEdit::Priority,
    };
    const ADDRESS: Self = Self {
        name: "address",
        label: "Address",
        placeholder: "IP address or domain name",
        numeric: false,
        value: |row| row.address,
        edit: RowEdit::Address,
    };
    const PORT: Self = Self {
        name: "port",
        label: "Port",
        placeholder: "",
        numeric: true,
        value: |row| row.port,
        edit: RowEdit::Port,
    };
}

#[component]
fn Cell(index: usize, state: TableState, column: Column) -> impl IntoView {
    let field = format!("entries[{index}].{}", column.name);
    let id = id_of(&field);
    let error_id = format!("{id}-error");
    let value = move || state.rows.with(|rows| (column.value)(rows.row(index)));
    let error = {
        let field = field.clone();
        Signal::derive(move || {
            state.errors.with(|errors| errors.iter().find(|error| error.field == field).map(model::FieldError::message))
        })
    };
    let numeric = column.numeric.then_some("numeric");
    view! {
        <td class=format!("entry-{}", column.name)>
            <span class="cell-label" aria-hidden="true">{column.label}</span>
            <input
                id=id
                name=field
                type="text"
                inputmode=numeric
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                placeholder=column.placeholder
                aria-label=format!("{} of entry {}", column.label, index + 1)
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by(error, error_id.clone(), None)
                value=untrack(value)
                prop:value=value
                on:input:target=move |event| state.edit.run((column.edit)(index, event.target().value()))
            />
            <FieldError id=error_id error />
        </td>
    }
    .into_any()
}

#[component]
fn Actions(index: usize, state: TableState, dragged: RwSignal<Option<usize>>) -> impl IntoView {
    let number = index + 1;
    let is_last = move || state.rows.with(|rows| index + 1 >= rows.shown());
    view! {
        <span
            class="grip"
            draggable="true"
            title="Drag to another place"
            aria-hidden="true"
            on:dragstart=move |event: DragEvent| {
                carry(&event, number);
                dragged.set(Some(index));
            }
            on:dragend=move |_| dragged.set(None)
        >
            <Icon name=IconName::Grip />
        </span>
        <button
            type="button"
            class="icon-button"
            id=format!("entries-{index}-up")
            aria-label=format!("Move entry {number} up")
            title="Move up"
            disabled=index == 0
            on:click=move |_| move_row(state, index, index.saturating_sub(1))
        >
            <Icon name=IconName::Up />
        </button>
        <button
            type="button"
            class="icon-button"
            id=format!("entries-{index}-down")
            aria-label=format!("Move entry {number} down")
            title="Move down"
            disabled=is_last
            on:click=move |_| move_row(state, index, index + 1)
        >
            <Icon name=IconName::Down />
        </button>
        <button
            type="button"
            class="icon-button"
            aria-label=format!("Remove entry {number}")
            title="Remove"
            on:click=move |_| state.edit.run(RowEdit::Remove(index))
        >
            <Icon name=IconName::Remove />
        </button>
    }
    .into_any()
}

/// Some browsers drag nothing that carries nothing.
fn carry(event: &DragEvent, number: usize) {
    if let Some(data) = event.data_transfer() {
        let _ = data.set_data("text/plain", &format!("entry {number}"));
    }
}

/// What is known of the server in this row.
fn mark(servers: &DeviceServers, row: &EntryInput) -> Option<AnyView> {
    if row.address.trim().is_empty() {
        return None;
    }
    let is_row = |address: &str, port: u16| row.is_at(address, port);
    if servers.connected.as_ref().is_some_and(|connection| is_row(&connection.address, connection.port)) {
        return Some(view! { <span class="mark mark-good">"Connected"</span> }.into_any());
    }
    let failures = servers.push.iter().flat_map(|push| &push.failures);
    if let Some(failure) = failures.into_iter().find(|failure| is_row(&failure.address, failure.port)) {
        return Some(view! { <span class="mark mark-bad">{failure.reason.clone()}</span> }.into_any());
    }
    let on_device =
        servers.committed.iter().flat_map(|list| &list.entries).any(|entry| is_row(&entry.address, entry.port));
    let tested = servers.probe.iter().flat_map(|table| &table.rows).find(|tested| is_row(&tested.address, tested.port));
    if let Some(reason) = tested.and_then(|tested| tested.reason.clone()) {
        return Some(view! { <span class="mark mark-bad">{format!("Test: {reason}")}</span> }.into_any());
    }
    Some(if on_device && tested.is_some() {
        view! { <span class="mark mark-good">"Tested"</span> }.into_any()
    } else if on_device {
        view! { <span class="mark mark-quiet">"On the device"</span> }.into_any()
    } else {
        view! { <span class="mark mark-quiet">"Not on the device yet"</span> }.into_any()
    })
}
