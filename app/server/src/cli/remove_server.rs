//! `portal remove-server`

use super::{CliError, console::Console, say};
use crate::interfaces::auth::encode;
use model::Server;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// The server, by name or id
    #[arg(value_name = "SERVER")]
    server: String,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let servers: Vec<Server> = console.get("/servers").await?;
    let found = servers.into_iter().find(|server| server.id == arguments.server || server.name == arguments.server);
    let Some(server) = found else {
        return Err(CliError::Failed(format!("there is no server {}; `portal servers` lists them", arguments.server)));
    };
    console.delete(&format!("/servers/{}", encode(&server.id))).await?;
    say(format_args!("{} was removed; it is refused should it ever start again", server.name))
}
