//! Every fault and every rule has a code, which integrators match on: it never changes.

/// Gives an enum its codes. What stands after `within` has codes of its own.
macro_rules! codes {
    ($name:ident { $($variant:ident = $code:literal,)* } $(within { $($outer:ident($inner:ty),)* })?) => {
        impl $name {
            /// What programs tell it by; it never changes.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $code,)*
                    $($(Self::$outer(inner) => inner.code(),)*)?
                }
            }

            /// Every code there is.
            #[must_use]
            pub fn codes() -> Vec<&'static str> {
                let own: &[&'static str] = &[$($code),*];
                let inner: Vec<Vec<&'static str>> = vec![$($(<$inner>::codes()),*)?];
                own.iter().copied().chain(inner.into_iter().flatten()).collect()
            }
        }
    };
}

pub(super) use codes;
