//! `portal provision`

use super::{CliError, console::Console, say};
use model::ProvisioningString;
use serde_json::json;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// How many devices may use it
    #[arg(long)]
    uses: u32,
    /// How long it is good
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    expires_in_seconds: u64,
    /// A server that new devices dial, first first; may be given up to 8 times; this server if not given
    #[arg(long = "address", value_name = "HOST:PORT")]
    addresses: Vec<String>,
}

pub(super) async fn perform(arguments: Arguments) -> Result<(), CliError> {
    let input = json!({
        "uses": arguments.uses,
        "expires_in_seconds": arguments.expires_in_seconds,
        "addresses": arguments.addresses,
    });
    let made: ProvisioningString = Console::new(&arguments.data.data).post("/provisioning", &input).await?;
    say(made.string.unwrap_or_default())
}
