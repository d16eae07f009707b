//! `portal quiesce` and `portal resume`: what a hypervisor's hooks run before and after a snapshot.

use super::{CliError, console::Console, say, servers::own_of};
use crate::cluster::QUIESCE_MAX_S;
use clap::builder::RangedU64ValueParser;
use model::Quiesced;
use serde_json::json;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// After so many seconds writes go on although nobody ran `portal resume`
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = RangedU64ValueParser::<u64>::new().range(1..=QUIESCE_MAX_S))]
    limit: u64,
}

#[derive(clap::Args)]
pub(super) struct ResumeArguments {
    #[command(flatten)]
    data: super::DataArgument,
}

pub(super) async fn quiesce(arguments: &Arguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let own = own_of(&console).await?;
    let path = format!("/servers/{}/quiesce", own.id);
    let held: Quiesced = console.post(&path, &json!({ "seconds": arguments.limit })).await?;
    say(format_args!("writes are held until {}, or until `portal resume`", held.until))
}

pub(super) async fn resume(arguments: &ResumeArguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let own = own_of(&console).await?;
    console.delete(&format!("/servers/{}/quiesce", own.id)).await?;
    say("writes go on")
}
