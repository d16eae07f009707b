//! In whose name something is done, as the audit trail has it.

/// Who wants something done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The operator's login; `console` for the command line, `system` for the program itself.
    pub login: String,
    /// Where the request came from.
    pub peer: Option<String>,
}

/// The login under which the program acts by itself.
pub(crate) const SYSTEM: &str = "system";

impl Actor {
    /// The program itself.
    #[must_use]
    pub fn system() -> Self {
        Self { login: SYSTEM.to_owned(), peer: None }
    }
}
