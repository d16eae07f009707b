//! One device of a fleet: a client that starts, suffers what happens to it, and starts again.

use super::{DeviceState, Doing, Fault, FleetSettings, biolite_net};
use crate::client::{self, ClientError, ClientSettings, EventLog, Status};
use crate::wire::{DeviceId, Event};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a device that could not run waits before it starts again, as its watchdog would make it.
const WATCHDOG: Duration = Duration::from_secs(5);

/// How long a device that does not run is waited for with an event.
const LOG_PATIENCE: Duration = Duration::from_secs(10);

/// A fault, and who waits until it has happened.
type Command = (Fault, oneshot::Sender<()>);

/// The fleet's side of one device.
#[derive(Debug)]
pub(super) struct Member {
    commands: mpsc::Sender<Command>,
    events: EventLog,
    state: watch::Receiver<DeviceState>,
}

impl Member {
    /// Lets a device start after a while.
    pub(super) fn start(
        device_id: DeviceId,
        fleet: &FleetSettings,
        after: Duration,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let (commands, incoming) = mpsc::channel(4);
        let begin =
            DeviceState { device_id: device_id.0, network: true, doing: Doing::Off, detail: "not started".into() };
        let (shown, state) = watch::channel(begin);
        let (network, _) = watch::channel(true);
        let (status, seen) = watch::channel(Status::default());
        let events = EventLog::default();
        let settings = ClientSettings {
            state_dir: fleet.state_dir.join(device_id.to_string()),
            info: biolite_net(device_id),
            provisioning: fleet.provisioning.clone(),
            config: fleet.config.clone(),
            seed: None,
            network: Some(network.subscribe()),
            events: Some(events.clone()),
            status: Some(status),
        };
        let life = Life { settings, network, seen, shown, stop };
        tasks.spawn(life.live(after, incoming));
        Self { commands, events, state }
    }

    /// Lets something happen; nothing if the device has stopped for good.
    pub(super) async fn inflict(&self, fault: Fault) -> Option<()> {
        let (done, happened) = oneshot::channel();
        self.commands.send((fault, done)).await.ok()?;
        happened.await.ok()
    }

    /// Lets events happen; says whether they are in the device's ring.
    pub(super) async fn log(&self, events: Vec<Event>) -> bool {
        tokio::time::timeout(LOG_PATIENCE, self.events.write(events)).await.unwrap_or(false)
    }

    pub(super) fn state(&self) -> DeviceState {
        self.state.borrow().clone()
    }
}

/// The device's side.
struct Life {
    settings: ClientSettings,
    network: watch::Sender<bool>,
    seen: watch::Receiver<Status>,
    shown: watch::Sender<DeviceState>,
    stop: CancellationToken,
}

/// What ended one run of a device.
enum End {
    /// It starts again at once.
    Again,
    /// It could not run.
    Failed(String),
    /// The fleet stops.
    Stopped,
}

impl Life {
    async fn live(mut self, after: Duration, mut incoming: mpsc::Receiver<Command>) {
        if !self.pause(after, &mut incoming).await {
            return;
        }
        loop {
            match self.run_once(&mut incoming).await {
                End::Again => {}
                End::Stopped => return,
                End::Failed(reason) => {
                    tracing::warn!(device = self.settings.info.device_id.0, reason, "the device could not run");
                    self.show(Doing::Failed, reason);
                    if !self.pause(WATCHDOG, &mut incoming).await {
                        return;
                    }
                }
            }
        }
    }

    /// Waits while the device is off; a restart or power ends the wait. Says whether the fleet goes on.
    async fn pause(&mut self, limit: Duration, incoming: &mut mpsc::Receiver<Command>) -> bool {
        let over = tokio::time::sleep(limit);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = &mut over => return true,
                Some((fault, done)) = incoming.recv() => {
                    self.set_network(fault);
                    // Whoever asked may be gone.
                    let _ = done.send(());
                    if matches!(fault, Fault::Restart | Fault::CutPower) {
                        return true;
                    }
                }
            }
        }
    }

    async fn run_once(&mut self, incoming: &mut mpsc::Receiver<Command>) -> End {
        let stop = self.stop.child_token();
        let mut running = tokio::spawn(client::run(self.settings.clone(), stop.clone()));
        loop {
            tokio::select! {
                ended = &mut running => {
                    return match ended {
                        Ok(Ok(())) => End::Stopped,
                        Ok(Err(error)) => End::Failed(error.to_string()),
                        Err(error) => End::Failed(format!("it crashed: {error}")),
                    };
                }
                Ok(()) = self.seen.changed() => self.show_status(),
                Some((fault, done)) = incoming.recv() => {
                    self.set_network(fault);
                    let over = end_by(fault, &mut running, &stop).await;
                    let _ = done.send(());
                    if over {
                        return End::Again;
                    }
                }
            }
        }
    }

    fn set_network(&self, fault: Fault) {
        let network = match fault {
            Fault::Down => false,
            Fault::Up => true,
            Fault::Restart | Fault::CutPower => return,
        };
        self.network.send_replace(network);
        self.shown.send_modify(|state| state.network = network);
    }

    fn show_status(&mut self) {
        let (doing, detail) = {
            let status = self.seen.borrow_and_update();
            (doing(&status), status.to_string())
        };
        self.show(doing, detail);
    }

    fn show(&self, doing: Doing, detail: String) {
        tracing::info!(device = self.settings.info.device_id.0, "{detail}");
        self.shown.send_modify(|state| {
            state.doing = doing;
            state.detail = detail;
        });
    }
}

/// Ends a run as the fault says; false if the fault leaves it running.
async fn end_by(fault: Fault, running: &mut JoinHandle<Result<(), ClientError>>, stop: &CancellationToken) -> bool {
    match fault {
        Fault::Down | Fault::Up => return false,
        Fault::Restart => stop.cancel(),
        Fault::CutPower => running.abort(),
    }
    // It ends either way, and what it ended with no longer matters.
    let _ = running.await;
    true
}

fn doing(status: &Status) -> Doing {
    match status {
        Status::Starting | Status::Stopped => Doing::Off,
        Status::Enrolling(_) => Doing::Enrolling,
        Status::Waiting => Doing::Waiting,
        Status::Dialling(_) => Doing::Dialling,
        Status::Connected { .. } => Doing::Connected,
    }
}
