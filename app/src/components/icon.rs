//! The portal's own icons, drawn as strokes in the colour of the text around them.

use leptos::prelude::*;

/// Which icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IconName {
    /// A door reader.
    Device,
    /// A key.
    Provisioning,
    /// A page of lines.
    Events,
    /// Layers that grow.
    Rollouts,
    /// Two machines in a rack.
    Servers,
    /// A person.
    Operator,
    /// Back to where one came from.
    Back,
    /// Towards the first entry.
    Up,
    /// Towards the last entry.
    Down,
    /// What a row is dragged by.
    Grip,
    /// Takes an entry out.
    Remove,
    /// Look for something.
    Search,
    /// Something needs attention.
    Warning,
}

impl IconName {
    /// The strokes, in a square of 24 units.
    fn strokes(self) -> &'static str {
        match self {
            Self::Device => {
                "M7 2.5h10a1.5 1.5 0 0 1 1.5 1.5v16a1.5 1.5 0 0 1-1.5 1.5H7A1.5 1.5 0 0 1 5.5 20V4A1.5 1.5 0 0 1 7 2.5zM8.5 6h7v5h-7zM12 14.2a2.3 2.3 0 0 1 2.3 2.3v1.6M9.7 18.1v-1.6"
            }
            Self::Provisioning => {
                "M8.5 19.5a4.5 4.5 0 1 1 3.6-7.2L20 4.5l1.5 1.5-2 2 1.5 1.5-2.5 2.5-1.7-1.7-3.9 3.9a4.5 4.5 0 0 1-4.4 5.3zM7.3 16.2a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0"
            }
            Self::Events => "M5.5 3.5h13v17h-13zM8.5 8h7M8.5 12h7M8.5 16h4.5",
            Self::Rollouts => "M10 4h4v3h-4zM7 10.5h10v3H7zM3.5 17h17v3h-17z",
            Self::Servers => "M4 3.5h16v7H4zM4 13.5h16v7H4zM7.2 7h.1M7.2 17h.1M11 7h6M11 17h6",
            Self::Operator => "M12 12a4.2 4.2 0 1 0 0-8.4 4.2 4.2 0 0 0 0 8.4zM4 20.5c.8-4 4-6 8-6s7.2 2 8 6",
            Self::Back => "M14.5 5.5 8 12l6.5 6.5",
            Self::Up => "M6 14.5 12 8.5l6 6",
            Self::Down => "M6 9.5l6 6 6-6",
            Self::Grip => "M8 6h8M8 12h8M8 18h8",
            Self::Remove => "M6.5 6.5l11 11M17.5 6.5l-11 11",
            Self::Search => "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.3 15.3 20.5 20.5",
            Self::Warning => "M12 3.5 21.5 20h-19zM12 10v4.5M12 17.3v.1",
        }
    }
}

/// An icon beside words; the words say what it means.
#[component]
pub fn Icon(
    /// Which.
    name: IconName,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=name.strokes() />
        </svg>
    }
}
