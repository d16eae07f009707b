//! Records of operators and sign-ins.

pub(crate) mod operator_records;
pub(crate) mod operators;
pub(crate) mod refresh_tokens;
pub(crate) mod sign_ins;

pub use operator_records::{ActRow, HeldRecords, OperatorRecords};
pub use operators::OperatorRecord;
pub use refresh_tokens::{Presented, RefreshToken};
pub use sign_ins::{SignInMark, SignInRow};
