//! Fields that broke rules.

use super::{AccountRule, ChoiceRule, ListRule, codes::codes};
use serde::{Deserialize, Serialize};

/// One field that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's path in the request, for example `entries[0].address`.
    pub field: String,
    /// What it broke.
    pub rule: Rule,
}

impl FieldError {
    /// An error at a field.
    #[must_use]
    pub fn new(field: impl Into<String>, rule: impl Into<Rule>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }

    /// The rule and an example, for people.
    #[must_use]
    pub fn message(&self) -> String {
        self.rule.to_string()
    }
}

/// What a field has to be. Its words are its [`Display`](std::fmt::Display).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Rule {
    /// About server lists, settings and stays.
    List(ListRule),
    /// About what is chosen: devices, names, pages of lists.
    Choice(ChoiceRule),
    /// About operators, passwords and what only administrators do.
    Account(AccountRule),
    /// The value does not fit its field.
    Unreadable {
        /// The parser's words.
        because: String,
    },
}

codes!(Rule {
    Unreadable = "unreadable",
} within {
    List(ListRule),
    Choice(ChoiceRule),
    Account(AccountRule),
});

impl From<ListRule> for Rule {
    fn from(rule: ListRule) -> Self {
        Self::List(rule)
    }
}

impl From<ChoiceRule> for Rule {
    fn from(rule: ChoiceRule) -> Self {
        Self::Choice(rule)
    }
}

impl From<AccountRule> for Rule {
    fn from(rule: AccountRule) -> Self {
        Self::Account(rule)
    }
}
