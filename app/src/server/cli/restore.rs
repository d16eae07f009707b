//! `portal restore`

use super::{CliError, say};
use crate::server::backup;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// A file that `portal backup` made
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let manifest = backup::restore(&arguments.file, &arguments.data.data).await?;
    eprintln!("Start it only if the server it was made of does not run any more.");
    say(format_args!("{} as of {} is in {}", manifest.server_name, manifest.made_at, arguments.data.data.display()))
}
