//! `portal confirm`

use super::{CliError, console::Console, say};
use model::Newcomer;
use serde_json::{Value, json};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// The fingerprint that the new server shows; spaces and case do not matter
    #[arg(required = true, value_name = "FINGERPRINT")]
    fingerprint: Vec<String>,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let wanted = arguments.fingerprint.concat().replace(char::is_whitespace, "").to_ascii_lowercase();
    let newcomers: Vec<Newcomer> = console.get("/servers/newcomers").await?;
    if !newcomers.iter().any(|newcomer| newcomer.fingerprint == wanted) {
        let there = newcomers.iter().map(|newcomer| newcomer.fingerprint.as_str()).collect::<Vec<_>>().join(", ");
        let there = if there.is_empty() { "no server does".to_owned() } else { format!("these do: {there}") };
        return Err(CliError::Failed(format!("no server with the fingerprint {wanted} asks to join; {there}")));
    }
    console.post::<Value>(&format!("/servers/newcomers/{wanted}/confirm"), &json!({})).await?;
    say("confirmed; the server starts within a few seconds")
}
