//! The log: which lines, and how they are written. Times are UTC; it goes to standard error.

use super::CliError;
use clap::ValueEnum;
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// How lines of the log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Starts the log of this process. A filter that was chosen ranks above `RUST_LOG`, and that above `default_level`.
///
/// # Errors
///
/// A filter that says nothing.
pub(super) fn start(chosen: Option<&str>, format: LogFormat, default_level: &str) -> Result<(), CliError> {
    let filter = match chosen {
        Some(filter) => {
            let unusable =
                |error| CliError::Failed(format!("log = {filter:?}: {error}; for example: info, or info,sqlx=warn"));
            EnvFilter::try_new(filter).map_err(unusable)?
        }
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_level)),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        // Fields beside the message, as log collectors look for them.
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
    Ok(())
}
