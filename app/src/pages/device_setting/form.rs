//! The form of the Device Setting page: one POST without script, live errors with it.

use super::{
    super::{field_errors, first_answer, first_fault},
    draft::Draft,
    form_state::FormState,
    information::Information,
    network::Network,
    orders::Orders,
};
use crate::{
    components::{
        alert::Refusal,
        push_progress::{Entries, WITHDRAW_FORM},
    },
    hydrated::Hydrated,
    server_fns::devices::{cancel_push, save_device_setting},
    unsaved::Unsaved,
};
use leptos::{ev::SubmitEvent, prelude::*};
use model::{Device, Fault, FormAnswer, Typed, paths};

/// The form, following the device while nothing was typed.
#[component]
pub fn DeviceForm(
    /// The device as last fetched.
    device: Signal<Device>,
    /// Fetches it again.
    refetch: Callback<()>,
) -> impl IntoView {
    let first = device.get_untracked();
    let id = first.id;
    let answer = first_answer();
    let fault = RwSignal::new(first_fault(answer.as_ref()));
    let errors = RwSignal::new(field_errors(fault.get_untracked().as_ref()));
    let draft = RwSignal::new(match answer {
        Some(FormAnswer::Refused { typed: Typed::DeviceSetting { input }, .. }) => Draft::typed(input, &first),
        Some(FormAnswer::Refused { .. } | FormAnswer::Made { .. }) | None => Draft::of(&first),
    });
    let tell = move |refusal: Option<Fault>| {
        errors.set(field_errors(refusal.as_ref()));
        fault.set(refusal);
    };
    let save = Action::new(move |input: &_| save_device_setting(id, Clone::clone(input)));
    let cancel = Action::new(move |&()| async move {
        tell(cancel_push(id).await.err());
        refetch.run(());
    });
    // What was saved here last; the fetched device may be a moment older.
    let saved = RwSignal::new(None::<Device>);
    let servers = Signal::derive(move || newer(device.get(), saved.get()).servers);
    Effect::new(move |_| {
        let Some(outcome) = save.value().get() else { return };
        tell(outcome.as_ref().err().cloned());
        if let Ok(device) = outcome {
            draft.set(Draft::of(&device));
            saved.set(Some(device));
        }
        refetch.run(());
    });
    follow(device, draft, fault, save.pending());
    let state = FormState {
        draft,
        errors,
        device,
        servers,
        saving: save.pending().into(),
        hydrated: Hydrated::current(),
        on_cancel_push: Callback::new(move |()| {
            cancel.dispatch(());
        }),
        refetch,
    };
    Unsaved::current().follow(move || draft.with(Draft::is_changed) && !save.pending().get());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        fault.set(None);
        save.dispatch(draft.with_untracked(Draft::input));
    };
    view! { <FormView id state fault on_submit=Callback::new(on_submit) on_reset=Callback::new(move |()| {
        tell(None);
        draft.set(Draft::of(&device.get_untracked()));
    }) /> }
}

/// Takes over what others save, except while this form's own change is being saved. After a conflict was told, the
/// form is based on what the other saved: applying it again replaces that knowingly.
fn follow(device: Signal<Device>, draft: RwSignal<Draft>, fault: RwSignal<Option<Fault>>, saving: Memo<bool>) {
    Effect::new(move |_| {
        let newest = device.get();
        if saving.get() {
            return;
        }
        let told = match fault.get() {
            Some(Fault::Conflict { revision, .. }) => newest.servers.revision >= revision,
            Some(_) | None => false,
        };
        let mut next = draft.get_untracked();
        if newest.servers.revision >= next.revision() {
            next.follow(&newest);
            if told {
                next.base_on(&newest);
            }
        }
        if next != draft.get_untracked() {
            draft.set(next);
        }
    });
}

fn newer(fetched: Device, saved: Option<Device>) -> Device {
    match saved {
        Some(saved) if saved.servers.revision > fetched.servers.revision => saved,
        Some(_) | None => fetched,
    }
}

#[component]
fn FormView(
    id: u32,
    state: FormState,
    fault: RwSignal<Option<Fault>>,
    on_submit: Callback<SubmitEvent>,
    on_reset: Callback<()>,
) -> impl IntoView {
    let unchanged = move || state.hydrated.get() && !state.draft.with(Draft::is_changed);
    view! {
        <form
            method="post"
            action=paths::device(id)
            class="device-form"
            autocomplete="off"
            novalidate
            on:submit=move |event| on_submit.run(event)
            on:reset=move |event| {
                event.prevent_default();
                on_reset.run(());
            }
        >
            <Refusal fault />
            <Theirs state fault />
            <input type="hidden" name="revision" value=move || state.draft.with(Draft::revision) />
            <Information state />
            <Network state />
            <div class="apply-bar">
                <button
                    type="submit"
                    class="button button-apply"
                    disabled=move || unchanged() || state.saving.get()
                >
                    "Apply"
                </button>
                <button type="reset" class="button button-cancel">"Cancel"</button>
            </div>
        </form>
        <Orders device=state.device refetch=state.refetch />
        <form id=WITHDRAW_FORM method="post" action=paths::cancel_push(id)></form>
    }
    .into_any()
}

/// What somebody else saved under the form.
#[component]
fn Theirs(state: FormState, fault: RwSignal<Option<Fault>>) -> impl IntoView {
    let newest = state.device;
    let conflict = move || matches!(fault.get(), Some(Fault::Conflict { .. }));
    let overtaken = move || {
        !state.saving.get() && newest.with(|device| device.servers.revision) > state.draft.with(Draft::revision)
    };
    move || {
        let heading = match (conflict(), overtaken()) {
            (true, _) => {
                "The list as it is saved now. Your input is kept below; Apply replaces the saved list with it."
            }
            (false, true) => "Somebody saved a newer list while you were typing. Your input is kept below.",
            (false, false) => return None,
        };
        let servers = newest.with(|device| device.servers.clone());
        Some(view! {
            <div class="theirs">
                <p>{heading}</p>
                <p class="quiet">{format!("Revision {}", servers.revision)}</p>
                <Entries entries=servers.entries />
            </div>
        })
    }
}
