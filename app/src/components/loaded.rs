//! What a page shows while it waits, when it has what it asked for, and when it was refused.

use super::alert::Refusal;
use leptos::{either::EitherOf3, prelude::*};
use leptos_router::{components::Redirect, hooks::use_location};
use model::Fault;
use model::paths;

/// Shows `children` with the newest good answer, which changes under them as the resource is fetched again: what
/// somebody is typing stays. A later failure is told above, and the last good answer stays in view.
#[component]
pub fn Loaded<T, C, V>(
    /// What the page asked for.
    resource: Resource<Result<T, Fault>>,
    /// What to show with it.
    children: C,
    /// Another part of the page tells what went wrong.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    C: Fn(Signal<T>) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    view! {
        <Transition fallback=|| view! { <p class="loading">"Loading…"</p> }>
            {
                let children = children.clone();
                move || view! { <Answer resource quiet children=children.clone() /> }
            }
        </Transition>
    }
}

#[component]
fn Answer<T, C, V>(resource: Resource<Result<T, Fault>>, quiet: bool, children: C) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    C: Fn(Signal<T>) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let good = Memo::new(move |last: Option<&Option<T>>| match resource.get() {
        Some(Ok(value)) => Some(value),
        Some(Err(_)) | None => last.cloned().flatten(),
    });
    let fault = Memo::new(move |_| resource.get().and_then(Result::err));
    let has_good = Memo::new(move |_| good.with(Option::is_some));
    view! {
        {move || fault.get().filter(|_| !quiet).map(|fault| view! { <Refused fault /> })}
        {move || {
            // Nothing is shown before the first good answer, so there is a value to give.
            let first = has_good.get().then(|| good.get_untracked()).flatten()?;
            Some(children(Signal::derive(move || good.get().unwrap_or_else(|| first.clone()))))
        }}
    }
}

/// A page's fault: to the sign-in or password page where that helps, told in words otherwise.
#[component]
fn Refused(fault: Fault) -> impl IntoView {
    match fault {
        Fault::NotSignedIn => {
            let location = use_location();
            let (path, query) = (location.pathname.get_untracked(), location.search.get_untracked());
            let here = if query.is_empty() { path } else { format!("{path}?{query}") };
            EitherOf3::A(view! { <Redirect path=paths::sign_in_then(&here) /> })
        }
        Fault::PasswordChangeRequired => EitherOf3::B(view! { <Redirect path=paths::PASSWORD /> }),
        fault @ (Fault::WrongPassword
        | Fault::TooManyAttempts { .. }
        | Fault::Forbidden
        | Fault::ForeignOrigin
        | Fault::NotFound(_)
        | Fault::MethodNotAllowed
        | Fault::Invalid { .. }
        | Fault::Conflict { .. }
        | Fault::RevisionRequired
        | Fault::WrongState(_)
        | Fault::NotActive { .. }
        | Fault::StorageUnavailable(_)
        | Fault::Malformed(_)
        | Fault::TooLarge
        | Fault::Internal) => {
            let missing = matches!(fault, Fault::NotFound(_));
            EitherOf3::C(view! {
                {missing.then(|| view! { <h1>"Not found"</h1> })}
                <Refusal fault=Some(fault) unasked=true />
            })
        }
    }
}
