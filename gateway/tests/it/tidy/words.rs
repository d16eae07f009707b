//! One word for one thing: words that were given up do not come back.

use super::source::Source;

/// What is no longer said, and what is said instead.
const RETIRED: &[(&str, &str)] = &[
    ("book", "database, the installation's"),
    ("journal", "local database"),
    ("vouch", "startup confirmation"),
    ("errand", "peer request"),
    ("turnover", "activation, handover or promotion"),
    ("lone write", "divergent change"),
    ("lone_write", "divergent change"),
    ("lonewrite", "divergent change"),
    ("doorman", "sign-in guard"),
    ("mailbox", "inbox"),
    ("rehears", "restore test of a copy, drill of devices"),
    ("story", "scenario"),
    ("stories", "scenario"),
];

/// Other people's words, and words that only contain one.
const SPARED: &[&str] = &[
    "logbook",
    "handbook",
    "runbook",
    "sqlitejournalmode",
    "journal_mode",
    "rollback journal",
    "-journal",
    "journalctl",
    "history",
];

/// Every retired word in code, comments and texts.
pub(super) fn retired(source: &Source) -> Vec<String> {
    if source.path.ends_with("tidy/words.rs") {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let line = SPARED.iter().fold(line.to_lowercase(), |line, spared| line.replace(spared, ""));
        for (word, instead) in RETIRED {
            if line.contains(word) {
                broken.push(format!(
                    "{}:{}: `{word}` is no word of the project: say {instead}",
                    source.path,
                    index + 1
                ));
            }
        }
    }
    broken
}

#[test]
fn a_retired_word_is_seen_and_what_contains_one_is_not() {
    let broken = |text: &str| retired(&Source::new("app/server/src/a.rs", text)).len();
    assert_eq!(broken("//! The book of this server.\nlet journal = open_journal();"), 2);
    assert_eq!(broken("//! The handbook.\nSqliteJournalMode::Wal; history; logbook"), 0);
}
