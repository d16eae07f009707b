//! What the checks found, for people and for programs.

use serde::Serialize;
use std::fmt::Write as _;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and may not for long.
    Warning,
    /// Something does not work, or is not safe.
    Error,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    /// What is, and what to do about it.
    pub(super) words: String,
}

impl Finding {
    pub(super) fn ok(check: &'static str, words: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, words: words.into() }
    }

    pub(super) fn warning(check: &'static str, words: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warning, words: words.into() }
    }

    pub(super) fn error(check: &'static str, words: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Error, words: words.into() }
    }
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    findings: Vec<Finding>,
    warnings: usize,
    errors: usize,
}

impl Report {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
        Self { warnings: count(Verdict::Warning), errors: count(Verdict::Error), findings }
    }

    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What is wrong comes last, where a reader's eyes are.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (verdict, word) in [(Verdict::Ok, "ok"), (Verdict::Warning, "warning"), (Verdict::Error, "error")] {
            for Finding { check, words, .. } in self.findings.iter().filter(|finding| finding.verdict == verdict) {
                let _ = writeln!(text, "{word:<8} {check:<15} {words}");
            }
        }
        let _ = writeln!(text, "{}", self.summary());
        text
    }

    pub(super) fn summary(&self) -> String {
        let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        format!("{}, {}", count(self.errors, "error"), count(self.warnings, "warning"))
    }
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        small if small < 1 << 20 => format!("{} KiB", small.div_ceil(1 << 10)),
        medium if medium < 10 << 30 => format!("{} MiB", medium >> 20),
        large => format!("{} GiB", large >> 30),
    }
}
