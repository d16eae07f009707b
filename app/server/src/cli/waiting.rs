//! `portal waiting`

use super::{CliError, console::Console, say};
use model::WaitingDevice;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let waiting: Vec<WaitingDevice> = Console::new(&arguments.data.data).get("/waiting-devices").await?;
    for device in waiting {
        let (id, product, peer, fingerprint) = (device.device_id, device.product_name, device.peer, device.id);
        say(format_args!("{id}\t{product}\t{peer}\t{fingerprint}"))?;
    }
    Ok(())
}
