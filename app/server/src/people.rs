//! Who may sign in.

pub(crate) mod attempts;
pub(crate) mod operator_records;
pub(crate) mod operators;
pub(crate) mod passwords;
pub(crate) mod sign_in;
pub mod store;
pub(crate) mod tokens;

pub use operators::FIRST_LOGIN;
pub use passwords::MIN_PASSWORD_CHARACTERS;
pub use sign_in::{Bearer, REFRESH_LIFE, SignedIn};
