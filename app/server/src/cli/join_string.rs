//! `portal join-string`

use super::{CliError, console::Console, say};
use serde::Deserialize;
use serde_json::json;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
}

#[derive(Deserialize)]
struct Made {
    string: String,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let made: Made = Console::new(&arguments.data.data).post("/join-strings", &json!({})).await?;
    say(made.string)
}
