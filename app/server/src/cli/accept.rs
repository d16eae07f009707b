//! `portal accept`

use super::{CliError, console::Console, say};
use model::{Device, DeviceSummary, WaitingDevice};
use serde_json::json;
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};
use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(250);
/// How many of the devices that have not asked are looked for among those accepted, each time: of thousands that are
/// waited for, most will just ask.
const LOOKED_UP_AT_ONCE: usize = 20;

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
    let mut left: VecDeque<u32> = arguments.devices.iter().copied().collect();
    let mut to_look_up = left.len();
    loop {
        left = accept_waiting(&console, left).await?;
        left = drop_accepted(&console, left, to_look_up).await?;
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= end {
            return none_left(&drop_accepted(&console, left, usize::MAX).await?);
        }
        to_look_up = LOOKED_UP_AT_ONCE;
        sleep(POLL).await;
    }
}

fn none_left(devices: &VecDeque<u32>) -> Result<(), CliError> {
    if devices.is_empty() {
        return Ok(());
    }
    let names = devices.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    Err(CliError::Failed(format!("not waiting to be accepted: {names}")))
}

/// Accepts those that wait; returns the others.
async fn accept_waiting(console: &Console, devices: VecDeque<u32>) -> Result<VecDeque<u32>, CliError> {
    let mut requests: HashMap<u32, Vec<WaitingDevice>> = HashMap::new();
    for request in console.get::<Vec<WaitingDevice>>("/waiting-devices").await? {
        requests.entry(request.device_id).or_default().push(request);
    }
    let mut others = VecDeque::new();
    for device in devices {
        match requests.get(&device).map(Vec::as_slice) {
            None | Some([]) => others.push_back(device),
            Some([request]) => {
                let path = format!("/waiting-devices/{}/accept", request.id);
                let accepted: DeviceSummary = console.post(&path, &json!({})).await?;
                say(format_args!("{} accepted", accepted.id))?;
            }
            Some(several) => {
                return Err(CliError::Failed(format!(
                    "{} devices claim to be {device}; compare their fingerprints and accept one of them in the portal",
                    several.len()
                )));
            }
        }
    }
    Ok(others)
}

/// Looks for so many of them among the devices, the next ones at the next time; returns those that are not known to be there.
async fn drop_accepted(
    console: &Console,
    mut devices: VecDeque<u32>,
    at_once: usize,
) -> Result<VecDeque<u32>, CliError> {
    for _ in 0..at_once.min(devices.len()) {
        let Some(device) = devices.pop_front() else { break };
        match console.get::<Device>(&format!("/devices/{device}")).await {
            Ok(_) => say(format_args!("{device} was accepted already"))?,
            Err(CliError::Refused(_)) => devices.push_back(device),
            Err(error) => return Err(error),
        }
    }
    Ok(devices)
}
