//! The reference device: one door reader, a fleet of them, and the socket that controls that fleet.

use clap::{Args, Parser, Subcommand, ValueEnum};
use gateway::client::{self, ClientSettings};
use gateway::provisioning::ProvisioningString;
use gateway::simulator::{
    self, Answer, DeviceState, Doing, FIRST_DEVICE, Fault, Fleet, FleetSettings, Happened, Request,
};
use gateway::wire::DeviceId;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The reference device of the failover system.
#[derive(Parser)]
#[command(name = "bln", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Be one device until Ctrl-C.
    Run(RunArguments),
    /// Be many devices until Ctrl-C.
    Fleet(FleetArguments),
    /// Let something happen to a device of a running fleet.
    Ctl(CtlArguments),
}

#[derive(Args)]
struct RunArguments {
    /// Folder for what the device knows; it makes its key there at the first start.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Serial number, needed at the first start; later it is in the folder.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    id: Option<u32>,
    /// Provisioning string, needed until the device is enrolled.
    #[arg(long, value_name = "STRING", env = "BLN_PROVISIONING", hide_env_values = true)]
    provision: Option<ProvisioningString>,
}

#[derive(Args)]
struct FleetArguments {
    /// How many devices.
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Folder for what the devices know, one folder in it for each.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The first one's serial number; the others follow.
    #[arg(long, value_name = "N", default_value_t = FIRST_DEVICE.0, value_parser = clap::value_parser!(u32).range(1..))]
    first_id: u32,
    /// Provisioning string, needed until the devices are enrolled.
    #[arg(long, value_name = "STRING", env = "BLN_PROVISIONING", hide_env_values = true)]
    provision: Option<ProvisioningString>,
    /// Unix socket on which `bln ctl` is served.
    #[arg(long, value_name = "SOCKET")]
    control: Option<PathBuf>,
    /// How many devices start in a second.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    starts_per_second: u32,
    /// Print a line whenever a device's state changes, not only the sums.
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Args)]
struct CtlArguments {
    /// Unix socket of the fleet.
    #[arg(long, value_name = "SOCKET")]
    control: PathBuf,
    /// What to do.
    verb: CtlVerb,
    /// Serial number of the device; `list` shows all without one.
    #[arg(required_if_eq_any = [
        ("verb", "down"), ("verb", "up"), ("verb", "restart"), ("verb", "cut-power"), ("verb", "event"),
    ])]
    device_id: Option<u32>,
    /// How many events, for `event`.
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Which event, as the vendor numbers it, for `event`; a known finger unless given.
    #[arg(long, value_name = "N", default_value_t = simulator::IDENTIFIED)]
    code: u32,
    /// Who was at the door, for `event`.
    #[arg(long, value_name = "ID", default_value = "1")]
    user: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CtlVerb {
    /// Its network goes: connections break, none can be made.
    Down,
    /// Its network is back.
    Up,
    /// It stops in good order and starts again.
    Restart,
    /// It stops in the middle of whatever it does and starts again.
    CutPower,
    /// Somebody uses its door: it logs an event, or as many as given.
    Event,
    /// Show how the devices are.
    List,
}

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Box::from);
    let ended = ended.and_then(|runtime| {
        runtime.block_on(async {
            match arguments.verb {
                Verb::Run(arguments) => run(arguments).await,
                Verb::Fleet(arguments) => fleet(arguments).await,
                Verb::Ctl(arguments) => ctl(&arguments).await,
            }
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bln: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: RunArguments) -> Outcome {
    log_from("info");
    let device_id = serial_number(&arguments.state, arguments.id)?;
    let settings = ClientSettings {
        state_dir: arguments.state,
        info: simulator::biolite_net(device_id),
        provisioning: arguments.provision,
        config: gateway::device::Config::default(),
        seed: None,
        network: None,
        events: None,
        status: None,
    };
    Ok(client::run(settings, until_signalled()?).await?)
}

/// A device has one serial number for ever; its folder remembers it.
fn serial_number(state: &Path, given: Option<u32>) -> Result<DeviceId, Box<dyn Error>> {
    let path = state.join("serial-number");
    let known = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text.trim().parse::<u32>().map_err(|_| format!("{} holds no number", path.display()))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display()).into()),
    };
    match (known, given) {
        (Some(known), Some(given)) if known != given => {
            Err(format!("the folder {} belongs to device {known}, not {given}", state.display()).into())
        }
        (Some(known), _) => Ok(DeviceId(known)),
        (None, None) => Err("a new device needs its serial number: --id N".into()),
        (None, Some(given)) => {
            let written = std::fs::create_dir_all(state).and_then(|()| std::fs::write(&path, format!("{given}\n")));
            written.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
            Ok(DeviceId(given))
        }
    }
}

async fn fleet(arguments: FleetArguments) -> Outcome {
    log_from(if arguments.verbose { "info" } else { "error" });
    let stop = until_signalled()?;
    let settings = FleetSettings {
        state_dir: arguments.state,
        count: arguments.count,
        first_id: DeviceId(arguments.first_id),
        provisioning: arguments.provision,
        config: gateway::device::Config::default(),
        starts_per_second: arguments.starts_per_second,
    };
    let fleet = Arc::new(Fleet::start(&settings, &stop)?);
    let control = async {
        match &arguments.control {
            Some(path) => simulator::serve(Arc::clone(&fleet), path, stop.clone())
                .await
                .map_err(|error| format!("the control socket {} cannot be served: {error}", path.display())),
            None => {
                stop.cancelled().await;
                Ok(())
            }
        }
    };
    let served = tokio::select! {
        served = control => served,
        () = print_sums(&fleet) => Ok(()),
    };
    stop.cancel();
    fleet.stopped().await;
    Ok(served?)
}

/// Prints how many devices do what, whenever that has changed.
async fn print_sums(fleet: &Fleet) {
    let mut printed = String::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        let sums = sums_of(&fleet.states());
        if sums != printed {
            // Nobody may be reading; the devices run all the same.
            let _ = writeln!(std::io::stdout(), "{sums}");
            printed = sums;
        }
    }
}

fn sums_of(states: &[DeviceState]) -> String {
    let mut sums: BTreeMap<(Doing, &str), usize> = BTreeMap::new();
    for state in states {
        let where_to = if state.doing == Doing::Connected { state.detail.as_str() } else { "" };
        *sums.entry((state.doing, where_to)).or_default() += 1;
    }
    let parts = sums.iter().map(|((doing, detail), count)| match *doing {
        Doing::Connected => format!("{count} {detail}"),
        Doing::Off => format!("{count} off"),
        Doing::Enrolling => format!("{count} enrolling"),
        Doing::Waiting => format!("{count} waiting for an operator"),
        Doing::Dialling => format!("{count} looking for a server"),
        Doing::Failed => format!("{count} failed"),
    });
    let away = states.iter().filter(|state| !state.network).count();
    let away = (away > 0).then(|| format!("{away} without network"));
    format!("{} devices: {}", states.len(), parts.chain(away).collect::<Vec<_>>().join(", "))
}

async fn ctl(arguments: &CtlArguments) -> Outcome {
    let answer = simulator::ask(&arguments.control, request_of(arguments)).await;
    let place = arguments.control.display();
    match answer.map_err(|error| format!("no fleet answers on {place}: {error}"))? {
        Answer::Done => Ok(()),
        Answer::Refused { reason } => Err(reason.into()),
        Answer::Devices { devices } => {
            let wanted = |state: &&DeviceState| arguments.device_id.is_none_or(|id| id == state.device_id);
            let mut out = std::io::stdout().lock();
            for state in devices.iter().filter(wanted) {
                let network = if state.network { "" } else { "  (no network)" };
                writeln!(out, "{}  {}{network}", state.device_id, state.detail)?;
            }
            Ok(())
        }
    }
}

fn request_of(arguments: &CtlArguments) -> Request {
    // The command line has seen to it that all but `list` have a device.
    let Some(device_id) = arguments.device_id else { return Request::List };
    let fault = |fault| Request::Fault { device_id, fault };
    match arguments.verb {
        CtlVerb::List => Request::List,
        CtlVerb::Down => fault(Fault::Down),
        CtlVerb::Up => fault(Fault::Up),
        CtlVerb::Restart => fault(Fault::Restart),
        CtlVerb::CutPower => fault(Fault::CutPower),
        CtlVerb::Event => {
            let (code, user_id, count) = (arguments.code, arguments.user.clone(), arguments.count);
            Request::Event { device_id, happened: Happened { code, user_id, count } }
        }
    }
}

/// Logs to standard error; RUST_LOG changes what.
fn log_from(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    log.with_ansi(std::io::stderr().is_terminal()).init();
}

/// Cancelled by Ctrl-C, or by the signal that a service is stopped with.
fn until_signalled() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancelled.cancel();
    });
    Ok(stop)
}
