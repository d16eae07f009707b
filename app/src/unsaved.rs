//! What somebody typed and did not save.

use leptos::prelude::*;

/// Is there any on this page? Whoever leads away from it asks first.
#[derive(Clone, Copy, Debug)]
pub struct Unsaved(RwSignal<bool>);

impl Unsaved {
    /// There is none.
    #[must_use]
    pub fn new() -> Self {
        Self(RwSignal::new(false))
    }

    /// That of the page.
    #[must_use]
    pub fn current() -> Self {
        use_context().unwrap_or_else(Self::new)
    }

    /// Is there any now?
    #[must_use]
    pub fn is_there(self) -> bool {
        self.0.get_untracked()
    }

    /// As long as this form stands, what it says counts.
    pub fn follow(self, changed: impl Fn() -> bool + 'static) {
        Effect::new(move |_| self.0.set(changed()));
        on_cleanup(move || self.0.set(false));
    }
}

impl Default for Unsaved {
    fn default() -> Self {
        Self::new()
    }
}
