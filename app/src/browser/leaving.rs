//! Asks before a page with unsaved input is left.

use crate::unsaved::Unsaved;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Element, Event, MouseEvent, Window};

const QUESTION: &str = "You have changes that are not saved. Leave the page without them?";

/// Asks when the tab is closed or sent elsewhere, and when a link on the page is followed.
pub(super) fn guard(unsaved: Unsaved) {
    let Some(window) = web_sys::window() else { return };
    let leave = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        if unsaved.is_there() {
            event.prevent_default();
        }
    });
    let follow = Closure::<dyn Fn(MouseEvent)>::new({
        let window = window.clone();
        move |event: MouseEvent| {
            if unsaved.is_there() && leads_away(&event) && !may_leave(&window) {
                event.prevent_default();
                event.stop_propagation();
            }
        }
    });
    // Before the router sees the click. A window that refuses listeners asks nothing.
    let _ = window.add_event_listener_with_callback("beforeunload", leave.as_ref().unchecked_ref());
    let _ = window.add_event_listener_with_callback_and_bool("click", follow.as_ref().unchecked_ref(), true);
    // They live as long as the page.
    leave.forget();
    follow.forget();
}

/// A link that the router would follow in this tab. Others ask by themselves, or do not leave.
fn leads_away(event: &MouseEvent) -> bool {
    if event.ctrl_key() || event.meta_key() || event.shift_key() || event.button() != 0 {
        return false;
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let link = target.and_then(|element| element.closest("a[href]").ok().flatten());
    link.is_some_and(|link| link.get_attribute("rel").as_deref() != Some("external"))
}

fn may_leave(window: &Window) -> bool {
    window.confirm_with_message(QUESTION).unwrap_or(true)
}
