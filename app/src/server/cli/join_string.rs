//! `portal join-string`

use super::{CliError, console::Console};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let made: Value = Console::new(&arguments.data.data).post("/join-strings", &json!({})).await?;
    println!("{}", made["string"].as_str().unwrap_or_default());
    Ok(())
}
