//! `portal devices`

use super::{CliError, console::Console, say};
use model::{DeviceStatus, DeviceSummary, Page};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let mut path = "/devices?limit=200".to_owned();
    loop {
        let page: Page<DeviceSummary> = console.get(&path).await?;
        for device in page.items {
            let status = match device.status {
                DeviceStatus::Connected => "connected",
                DeviceStatus::Disconnected => "disconnected",
            };
            let server = device.connected.map(|connected| connected.server_name).unwrap_or_default();
            say(format_args!("{}\t{}\t{status}\t{server}", device.id, device.name))?;
        }
        let Some(cursor) = page.next_cursor else { return Ok(()) };
        path = format!("/devices?limit=200&cursor={}", crate::interfaces::auth::encode(&cursor));
    }
}
