//! `portal accept`

use super::{CliError, console::Console, say};
use crate::model::{Device, DeviceSummary, WaitingDevice};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(250);

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// Device IDs
    #[arg(required = true, value_name = "DEVICE_ID")]
    devices: Vec<u32>,
    /// Wait so long for those that have not asked yet
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let end = Instant::now() + Duration::from_secs(arguments.wait);
    let mut left = arguments.devices.clone();
    loop {
        let waiting: Vec<WaitingDevice> = console.get("/waiting-devices").await?;
        let mut still = Vec::new();
        for device in left {
            if !settle(&console, device, &waiting).await? {
                still.push(device);
            }
        }
        left = still;
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= end {
            let names = left.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            return Err(CliError::Failed(format!("not waiting to be accepted: {names}")));
        }
        sleep(POLL).await;
    }
}

/// Accepts the device if it waits; `true` if it belongs to the installation now.
async fn settle(console: &Console, device: u32, waiting: &[WaitingDevice]) -> Result<bool, CliError> {
    let requests: Vec<_> = waiting.iter().filter(|request| request.device_id == device).collect();
    match requests.as_slice() {
        [] => match console.get::<Device>(&format!("/devices/{device}")).await {
            Ok(_) => {
                say(format_args!("{device} was accepted already"))?;
                Ok(true)
            }
            Err(CliError::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        },
        [request] => {
            let path = format!("/waiting-devices/{}/accept", request.id);
            let accepted: DeviceSummary = console.post(&path, &json!({})).await?;
            say(format_args!("{} accepted", accepted.id))?;
            Ok(true)
        }
        several => Err(CliError::Failed(format!(
            "{} devices claim to be {device}; compare their fingerprints and accept one of them in the portal",
            several.len()
        ))),
    }
}
