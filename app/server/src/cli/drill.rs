//! `portal drill`: a failover drill, watched until its end.

use super::{CliError, console::Console, say};
use model::{Drill, DrillInput, DrillStep, PeerState, Server};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{signal, time::sleep};

const LOOK: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// The server that the devices shall go to, by name or id; the only other one if none is given
    #[arg(long, value_name = "SERVER")]
    to: Option<String>,
    /// Which devices, by Device ID and separated by commas; all if none are given
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    devices: Vec<u32>,
    /// Which devices, by what the device list finds for this text: part of a name, an ID or an address
    #[arg(long, value_name = "TEXT", conflicts_with = "devices")]
    find: Option<String>,
    /// After so many seconds it ends, whoever has not arrived
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    limit: u32,
    /// List the drills that were made
    #[arg(long, conflicts_with_all = ["to", "devices", "find", "limit", "report"])]
    list: bool,
    /// Print the report of a drill that was made
    #[arg(long, value_name = "DRILL", conflicts_with_all = ["to", "devices", "find", "limit"])]
    report: Option<String>,
}

pub(super) async fn perform(arguments: Arguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    if arguments.list {
        for drill in console.get::<Vec<Drill>>("/drills").await? {
            say(format_args!(
                "{} {} {} -> {}: {}",
                drill.id,
                drill.begun_at,
                drill.from_name,
                drill.to_name,
                drill.summary()
            ))?;
        }
        return Ok(());
    }
    if let Some(id) = &arguments.report {
        let drill: Drill = console.get(&format!("/drills/{}", crate::interfaces::auth::encode(id))).await?;
        return say(drill.report().trim_end());
    }
    let to = target(&console, arguments.to.as_deref()).await?;
    let devices = Some(arguments.devices).filter(|devices| !devices.is_empty());
    let input = DrillInput { to: to.id, devices, q: arguments.find, limit_seconds: Some(arguments.limit) };
    let begun: Drill = console.post("/drills", &json!(input)).await?;
    eprintln!("Drill {}: {} devices go to {}. Ctrl-C calls them back.", begun.id, begun.devices.len(), to.name);
    let ended = watch(&console, &begun.id).await?;
    say(ended.report().trim_end())?;
    match ended.count(DrillStep::Failed) {
        0 => Ok(()),
        failed => Err(CliError::Failed(format!("{failed} devices did not come through"))),
    }
}

async fn target(console: &Console, wanted: Option<&str>) -> Result<Server, CliError> {
    let servers: Vec<Server> = console.get("/servers").await?;
    let mut others = servers.into_iter().filter(|server| server.state != PeerState::This);
    let found = match wanted {
        Some(wanted) => others.find(|server| server.id == wanted || server.name == wanted),
        None => others.next().filter(|_| others.next().is_none()),
    };
    found.ok_or_else(|| CliError::Failed("say with --to which server the devices shall go to".to_owned()))
}

/// Follows a drill to its end, and stops it when it is told to.
async fn watch(console: &Console, id: &str) -> Result<Drill, CliError> {
    let mut told = String::new();
    let mut stopped = false;
    loop {
        let drill: Drill = console.get(&format!("/drills/{id}")).await?;
        if drill.state.is_final() {
            return Ok(drill);
        }
        let line = format!(
            "{}: {} on their way, {} there, {} back, {} failed",
            drill.state.label(),
            drill.count(DrillStep::Leaving),
            drill.count(DrillStep::There),
            drill.count(DrillStep::Back),
            drill.count(DrillStep::Failed)
        );
        if line != told {
            eprintln!("{line}");
            told = line;
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            asked = signal::ctrl_c(), if !stopped => {
                asked?;
                stopped = true;
                console.post::<Value>(&format!("/drills/{id}/stop"), &Value::Null).await?;
            }
        }
    }
}
