//! `portal restore`

use super::{CliError, say};
use crate::backup;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// A file that `portal backup` made; the data folder has to be empty
    #[arg(value_name = "FILE", required_unless_present = "copy", conflicts_with = "copy")]
    file: Option<PathBuf>,
    /// A copy that `portal copies` lists, in place of the present records, which are kept aside; the server has to be stopped
    #[arg(long, value_name = "NAME")]
    copy: Option<String>,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let data = &arguments.data.data;
    if let Some(name) = &arguments.copy {
        return restore_copy(data, name).await;
    }
    let Some(file) = &arguments.file else { return Ok(()) };
    let manifest = backup::restore(file, data).await?;
    eprintln!("Start it only if the server it was made of does not run any more.");
    eprintln!("It starts read-only: `portal promote` makes it active, in a new epoch.");
    say(format_args!("{} as of {} is in {}", manifest.server_name, manifest.made_at, data.display()))
}

async fn restore_copy(data: &Path, name: &str) -> Result<(), CliError> {
    let restored = backup::restore_copy(data, name).await?;
    if !restored.described {
        eprintln!(
            "Nothing says what the copy was when it arrived: SQLite found it whole, its SHA-256 could not be compared."
        );
    }
    if let Some(archive) = &restored.archive {
        eprintln!("The records until now are in {}.", archive.display());
    }
    eprintln!("The server starts read-only: `portal promote` makes it active, in a new epoch.");
    say(format_args!("{} is at change {}, as in {name}", restored.server_name, restored.change))
}
