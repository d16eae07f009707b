//! `portal servers`, `portal promote`, `portal rejoin` and `portal copy`

use super::{CliError, console::Console, say};
use model::{DivergentChange, EpochBegin, Evidence, PeerState, PromotionInput, Role, Server};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// Also print when which server was made active
    #[arg(long)]
    history: bool,
}

#[derive(clap::Args)]
pub(super) struct PromoteArguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// How the other server was stopped; needed if it does not answer
    #[arg(long, value_name = "HOW")]
    stopped: Option<String>,
    /// Do it; without this the evidence is printed and nothing is done
    #[arg(long)]
    yes: bool,
}

#[derive(clap::Args)]
pub(super) struct RejoinArguments {
    #[command(flatten)]
    data: super::DataArgument,
}

#[derive(clap::Args)]
pub(super) struct CopyArguments {
    #[command(flatten)]
    data: super::DataArgument,
}

pub(super) async fn copy(arguments: &CopyArguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let own = own_of(&console).await?;
    console.post::<Value>(&format!("/servers/{}/copy", own.id), &Value::Null).await?;
    say("the copy is on its way; `portal servers` shows when it has arrived")
}

pub(super) async fn list(arguments: &ListArguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let servers: Vec<Server> = console.get("/servers").await?;
    tell(&servers)?;
    if arguments.history {
        for begin in console.get::<Vec<EpochBegin>>("/servers/epochs").await? {
            let stopped = begin.stopped.map(|how| format!(", the one before: {how}")).unwrap_or_default();
            say(format_args!(
                "epoch {} {} {} by {} ({}{stopped})",
                begin.epoch, begin.at, begin.server, begin.by, begin.kind
            ))?;
        }
    }
    Ok(())
}

pub(super) async fn promote(arguments: &PromoteArguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let own = own_of(&console).await?;
    let evidence: Evidence = console.get(&format!("/servers/{}/promotion", own.id)).await?;
    if !arguments.yes {
        tell_evidence(&own, &evidence)?;
        return Err(CliError::Failed("nothing was done; add --yes to make this server active".to_owned()));
    }
    let input = PromotionInput { confirm: own.name, stopped: arguments.stopped.clone() };
    let servers: Vec<Server> = console.post(&format!("/servers/{}/promote", own.id), &json!(input)).await?;
    tell(&servers)
}

pub(super) async fn rejoin(arguments: &RejoinArguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let own = own_of(&console).await?;
    let servers: Vec<Server> = console.post::<_>(&format!("/servers/{}/rejoin", own.id), &Value::Null).await?;
    tell(&servers)?;
    let lone: Vec<DivergentChange> = console.get("/servers/divergent-changes").await?;
    for write in &lone {
        say(format_args!("only here: {} {} {} {}", write.at, write.operator, write.action, write.subject))?;
    }
    Ok(())
}

pub(super) async fn own_of(console: &Console) -> Result<Server, CliError> {
    let servers: Vec<Server> = console.get("/servers").await?;
    let own = servers.into_iter().find(|server| server.state == PeerState::This);
    own.ok_or_else(|| CliError::Failed("the server does not list itself".to_owned()))
}

fn tell(servers: &[Server]) -> Result<(), CliError> {
    for server in servers {
        let state = match server.state {
            PeerState::This => "this server",
            PeerState::Reachable => "reachable",
            PeerState::Unreachable => "unreachable",
        };
        let copy = server.copy_taken_at.as_ref().map(|at| format!(", copy of {at}")).unwrap_or_default();
        let database = server.replication.as_ref().map(|seen| format!("; {}", seen.words())).unwrap_or_default();
        let Server { name, role, epoch, devices, .. } = server;
        say(format_args!("{name}: {}, epoch {epoch}, {state}, {devices} devices{copy}{database}", role.label()))?;
        if let Some(pause) = &server.pause {
            say(pause)?;
        }
    }
    Ok(())
}

fn tell_evidence(own: &Server, evidence: &Evidence) -> Result<(), CliError> {
    say(format_args!("{} is {} in epoch {}.", own.name, own.role.label().to_lowercase(), evidence.epoch))?;
    for other in &evidence.others {
        let answers = if other.reachable { "answers" } else { "does not answer" };
        let heard = other.last_heard.as_deref().unwrap_or("never");
        let role = other.role.label().to_lowercase();
        say(format_args!("{} was {role} in epoch {}, {answers}, last heard {heard}.", other.name, other.epoch))?;
    }
    say(format_args!("{} of {} devices are on this server.", evidence.devices_here, evidence.devices))?;
    if let (Some(at), Some(missing), true) =
        (&evidence.copy_taken_at, evidence.changes_missing, own.role == Role::Standby)
    {
        say(format_args!("Its copy was taken {at} and lacks {missing} changes that are known of."))?;
    }
    if let Some(replication) = &evidence.replication {
        say(format_args!("{}.", replication.words()))?;
    }
    if evidence.needs_account {
        say("Say with --stopped how the other server was stopped.")?;
    }
    Ok(())
}
