//! Whether the browser's half has taken over.

use leptos::prelude::*;

/// Has the browser's half taken over? Until then every form works by itself.
#[derive(Clone, Copy)]
pub struct Hydrated(RwSignal<bool>);

impl Hydrated {
    /// For a page that begins.
    pub fn provide() {
        let hydrated = Self(RwSignal::new(false));
        provide_context(hydrated);
        // Runs in the browser alone.
        Effect::new(move |_| hydrated.0.set(true));
    }

    /// Has it?
    #[must_use]
    pub fn current() -> Signal<bool> {
        use_context::<Self>().map_or_else(|| Signal::from(false), |Self(hydrated)| hydrated.into())
    }

    /// The attribute that tells so to whoever looks from outside.
    pub(crate) fn mark() -> impl Fn() -> Option<&'static str> + Clone + Send + Sync + 'static {
        let hydrated = Self::current();
        move || hydrated.get().then_some("true")
    }
}
