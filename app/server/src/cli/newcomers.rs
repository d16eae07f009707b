//! `portal newcomers`

use super::{CliError, console::Console, say};
use model::{Newcomer, grouped};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let newcomers: Vec<Newcomer> = Console::new(&arguments.data.data).get("/servers/newcomers").await?;
    for newcomer in newcomers {
        let (name, peer) = (newcomer.name.unwrap_or_default(), newcomer.peer);
        say(format_args!("{}\t{peer}\t{name}", grouped(&newcomer.fingerprint)))?;
    }
    Ok(())
}
