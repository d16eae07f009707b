//! `portal check`: what is wrong with a server or soon will be, each with what to do. It changes nothing.

mod clock;
mod database;
mod devices;
mod failover;
mod folder;
mod keys;
mod machine;
mod peer;
mod ports;
mod report;
mod sockets;

use super::{CliError, console::Console, run, say};
use crate::{
    cluster::roles::{RoleRecord, Roles},
    config::Config,
    data_folder::read_identity,
    db::{DatabasePlace, Surveyed, survey},
    identity::Identity,
    keys::Keys,
};
use model::{AutomaticPromotion, DivergentChange, PeerState, Role, Server};
use report::{Finding, Report};
use time::OffsetDateTime;

#[derive(clap::Args)]
// The options of `run`, which are among these, have a group of that name.
#[group(id = "check")]
pub(super) struct Arguments {
    /// How the server is, or would be, run
    #[command(flatten)]
    run: run::Arguments,
    /// Print JSON: {"findings": [{"check", "verdict", "words"}], "warnings", "errors"}
    #[arg(long)]
    json: bool,
}

/// What the checks look at.
struct Scene {
    config: Config,
    /// Which server lives in the data folder; `None` before its first start, and when its description is damaged.
    identity: Option<Identity>,
    keys: Option<Keys>,
    /// What it is in its installation, as it would start.
    role: Option<RoleRecord>,
    /// The server that runs on the data folder.
    running: Option<Running>,
    /// What the records say; `None` if there are none, or they cannot be read.
    survey: Option<Surveyed>,
    now: OffsetDateTime,
}

/// A server that answers on its console.
#[derive(Default)]
struct Running {
    /// `None` where the system does not tell.
    pid: Option<i32>,
    /// Every server of the installation as this one sees it; empty if it does not say.
    servers: Vec<Server>,
    /// `None` if it does not say.
    automatic: Option<AutomaticPromotion>,
    /// Changes that only it has, and that nobody has dealt with.
    divergent_changes: usize,
}

impl Running {
    fn this(&self) -> Option<&Server> {
        self.servers.iter().find(|server| server.state == PeerState::This)
    }
}

pub(super) async fn perform(arguments: Arguments) -> Result<(), CliError> {
    let json = arguments.json;
    let report = examine(Config::try_from(arguments.run)?).await;
    say(if json { report.json() } else { report.text() }.trim_end())?;
    if report.errors() == 0 { Ok(()) } else { Err(CliError::Failed(report.summary())) }
}

async fn examine(config: Config) -> Report {
    let (console, asked) = Running::ask(&config).await;
    let role = Roles::load(&config.data).ok().flatten();
    let is_standby = role.as_ref().is_some_and(|role| role.role == Role::Standby);
    let place = match (&config.database, &config.shared) {
        (Some(address), _) => DatabasePlace::Server(address),
        (None, Some(shared)) => DatabasePlace::Shared(&shared.database),
        (None, None) => DatabasePlace::Own,
    };
    let survey = survey(&config.data, place, is_standby).await;
    let scene = Scene {
        identity: read_identity(&config.data).ok().flatten(),
        keys: Keys::load(&config.data).ok().flatten(),
        role,
        running: asked,
        survey: survey.as_ref().ok().cloned().flatten(),
        now: config.clock.now(),
        config,
    };
    let mut findings = vec![console, folder::modes(&scene), folder::description(&scene), folder::space(&scene)];
    findings.push(keys::usable(&scene));
    findings.extend(keys::dates(&scene));
    findings.extend(keys::browser_certificate(&scene));
    findings.extend(database::records(&scene, &survey));
    findings.extend(database::local_database(&scene));
    findings.extend(ports::all(&scene));
    findings.push(machine::plain_http(&scene));
    findings.push(machine::advertised(&scene));
    findings.push(machine::web_files(&scene));
    findings.push(machine::descriptors(&scene));
    findings.push(clock::sane(&scene));
    findings.extend(peer::reachable(&scene).await);
    findings.extend(peer::copy(&scene));
    findings.extend(peer::replication(&scene));
    findings.extend(failover::automatic_promotion(&scene));
    findings.extend(failover::divergent_changes(&scene));
    findings.extend(failover::restore_tests(&scene));
    findings.extend(failover::shared_file(&scene));
    findings.extend(failover::clocks(&scene));
    findings.push(devices::failover(&scene));
    Report::new(findings)
}

impl Running {
    /// Asks the server of the data folder, if one runs there.
    async fn ask(config: &Config) -> (Finding, Option<Self>) {
        let check = "server";
        let console = Console::new(&config.data);
        let pid = match console.pid().await {
            Ok(pid) => pid,
            Err(CliError::NotRunning(_)) => {
                let words = format!("no server runs on {}; what it would meet is checked", config.data.display());
                return (Finding::ok(check, words), None);
            }
            Err(error) => return (Finding::error(check, format!("{error}; its log says why")), None),
        };
        let by = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
        match console.get::<Vec<Server>>("/servers").await {
            Ok(servers) => {
                let automatic = console.get("/automatic-promotion").await.ok();
                let lone = console.get::<Vec<DivergentChange>>("/servers/divergent-changes").await.unwrap_or_default();
                let running = Self { pid, servers, automatic, divergent_changes: lone.len() };
                let finding = match running.this() {
                    Some(Server { role: Role::ReadOnly, pause, .. }) => Finding::error(
                        check,
                        format!("runs{by}, and changes nothing: {}", pause.as_deref().unwrap_or_default()),
                    ),
                    Some(server) => Finding::ok(check, format!("runs{by}, {}", server.role.label())),
                    None => Finding::error(check, format!("runs{by}, but does not know itself: restart it")),
                };
                (finding, Some(running))
            }
            Err(error) => {
                let words = format!("runs{by}, but cannot say how it is: {error}");
                (Finding::error(check, words), Some(Self { pid, ..Self::default() }))
            }
        }
    }
}
