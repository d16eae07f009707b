//! `portal revoke-device`

use super::{CliError, console::Console, say};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// Device ID
    #[arg(value_name = "DEVICE_ID")]
    device: u32,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let device = arguments.device;
    Console::new(&arguments.data.data).delete(&format!("/devices/{device}")).await?;
    say(format_args!("{device} was removed; its certificates are no longer good"))
}
