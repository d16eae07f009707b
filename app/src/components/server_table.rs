//! The Server table: the servers a device may dial, in order.
//!
//! Without script it is eight rows with numeric priorities. With script unused rows are hidden, and rows are moved by
//! drag or keyboard.

pub mod row;
pub mod rows;

use super::alert::sentence;
use leptos::prelude::*;
use model::{DeviceServers, FieldError, MAX_ENTRIES};
use row::EntryRow;
use rows::EntryRows;

/// What the table works on.
#[derive(Clone, Copy)]
pub struct TableState {
    /// The rows as typed.
    pub rows: Signal<EntryRows>,
    /// Changes them.
    pub edit: Callback<RowEdit>,
    /// Fields that broke rules.
    pub errors: RwSignal<Vec<FieldError>>,
    /// The device's servers as saved, for the marks; `None` where the table is for many devices.
    pub servers: Signal<Option<DeviceServers>>,
    /// Script is at work.
    pub hydrated: Signal<bool>,
}

/// One thing somebody does to the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowEdit {
    /// Types a priority.
    Priority(usize, String),
    /// Types an address.
    Address(usize, String),
    /// Types a port.
    Port(usize, String),
    /// Opens the next row.
    Add,
    /// Takes a row out.
    Remove(usize),
    /// Moves a server from one place to another.
    Move(usize, usize),
}

impl RowEdit {
    /// Does it.
    pub fn apply(self, rows: &mut EntryRows) {
        match self {
            Self::Priority(index, text) => rows.edit(index, |row| row.priority = text),
            Self::Address(index, text) => rows.edit(index, |row| row.address = text),
            Self::Port(index, text) => rows.edit(index, |row| row.port = text),
            Self::Add => {
                rows.add();
            }
            Self::Remove(index) => rows.remove(index),
            Self::Move(from, to) => rows.move_to(from, to),
        }
    }

    /// Does `error` stand at a place that this edit leaves as it is?
    #[must_use]
    pub fn spares(&self, error: &FieldError) -> bool {
        let at = |index: &usize, name: &str| error.field == format!("entries[{index}].{name}");
        match self {
            Self::Priority(index, _) => !at(index, "priority"),
            Self::Address(index, _) => !at(index, "address"),
            Self::Port(index, _) => !at(index, "port"),
            Self::Add => error.field != "entries",
            Self::Remove(_) | Self::Move(..) => !error.field.starts_with("entries"),
        }
    }
}

/// The table and the button that adds to it.
#[component]
pub fn ServerTable(
    /// What it works on.
    state: TableState,
) -> impl IntoView {
    // The row that is being dragged.
    let dragged = RwSignal::new(None::<usize>);
    let rows = (0..MAX_ENTRIES).map(|index| view! { <EntryRow index state dragged /> }).collect_view();
    let list_error = move || {
        state.errors.with(|errors| errors.iter().find(|error| error.field == "entries").map(FieldError::message))
    };
    let full = move || state.rows.with(|rows| rows.shown() >= MAX_ENTRIES);
    view! {
        <div class="server-table" id="entries" tabindex="-1">
            <table>
                <caption class="visually-hidden">"Servers the device may connect to, first choice first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Priority"</th>
                        <th scope="col">"Server Address"</th>
                        <th scope="col">"Server Port"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" hidden=move || !state.hydrated.get()>"Order"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {move || list_error().map(|error| view! { <p class="field-error">{sentence(&error)}</p> })}
            <div class="server-table-foot">
                <button
                    type="button"
                    class="button button-add"
                    hidden=move || !state.hydrated.get()
                    disabled=full
                    on:click=move |_| state.edit.run(RowEdit::Add)
                >
                    "Add server"
                </button>
                <p class="hint">
                    {move || match state.hydrated.get() {
                        true => "The device dials the servers from the top. Up to 8; move them by the grip or with Alt+Up and Alt+Down.",
                        false => "The device dials the lowest priority first. Up to 8; empty a row's priority and address to take it out.",
                    }}
                </p>
            </div>
        </div>
    }
    .into_any()
}
