//! The command line: `portal run` serves; the other verbs ask a server that runs, over its console's socket.

mod accept;
mod automatic;
mod backup;
mod check;
mod config;
mod config_file;
mod confirm;
mod console;
mod copies;
mod devices;
mod drill;
mod join_string;
mod logging;
mod newcomers;
mod provision;
mod quiesce;
mod remove_server;
mod restore;
mod revoke_device;
mod run;
mod servers;
mod user;
mod waiting;

use crate::{config::ConfigError, start::StartError};
use axum::Router;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use model::Fault;
use std::{
    fmt::Display,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

/// One server of a BioStar 2 failover installation.
#[derive(Parser)]
#[command(name = "portal", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the server until Ctrl-C or SIGTERM
    #[command(visible_alias = "serve")]
    Run(Box<run::Arguments>),
    /// Join the installation of the server that printed this string, and run; the same as `portal run --join`
    Join(Box<run::JoinArguments>),
    /// Say what is wrong with this server, or soon will be, and what to do; also while it is down
    Check(Box<check::Arguments>),
    /// Write everything that this server is into one file, also while it runs; the file is a secret
    Backup(backup::Arguments),
    /// Make the server of a backup in an empty folder, or go back to a kept copy
    Restore(restore::Arguments),
    /// List the kept copies of the last days
    Copies(copies::Arguments),
    /// Print a configuration file, or the documentation of its keys
    Config(config::Arguments),
    /// Print a string with which a second server can join, once, within 15 minutes
    JoinString(join_string::Arguments),
    /// List the servers that ask to join, with the fingerprints of their keys
    Newcomers(newcomers::Arguments),
    /// Let a server in whose fingerprint you compared
    Confirm(confirm::Arguments),
    /// Print a string with which new devices can ask to be accepted
    Provision(provision::Arguments),
    /// Accept waiting devices
    Accept(accept::Arguments),
    /// List the devices that wait to be accepted
    Waiting(waiting::Arguments),
    /// Remove a device from the installation and revoke its certificates
    RevokeDevice(revoke_device::Arguments),
    /// List the accepted devices
    Devices(devices::Arguments),
    /// List the servers of the installation, with their roles
    Servers(servers::ListArguments),
    /// Take a server that does not come back out of the installation
    RemoveServer(remove_server::Arguments),
    /// Make this server the active one
    Promote(servers::PromoteArguments),
    /// Make this server, which was active, a standby of the one that is
    Rejoin(servers::RejoinArguments),
    /// Say whether the standby takes over by itself, or switch that
    AutomaticPromotion(automatic::Arguments),
    /// Have the other server get a copy of the database now
    Copy(servers::CopyArguments),
    /// Practise a failover: send devices to another server and back, and print how it went
    Drill(drill::Arguments),
    /// Hold all writes while a snapshot of this machine is taken; they go on with `portal resume`, or by themselves
    Quiesce(quiesce::Arguments),
    /// Let writes go on after a snapshot
    Resume(quiesce::ResumeArguments),
    /// List the operators, add one, or help one
    User(user::Arguments),
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// The server did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The configuration file.
    #[error(transparent)]
    ConfigFile(#[from] config_file::ConfigFileError),
    /// Options that do not fit together.
    #[error(transparent)]
    HttpSecurity(#[from] run::HttpSecurityError),
    /// A backup.
    #[error(transparent)]
    Backup(#[from] crate::backup::BackupError),
    /// Nobody answers on the console's socket.
    #[error("no server runs on {0}; start it with: portal run --data {0}")]
    NotRunning(PathBuf),
    /// The connection to the server failed.
    #[error("the server on {0} does not answer: {1}")]
    Console(PathBuf, String),
    /// The server said no.
    #[error("{0}")]
    Refused(String),
    /// What was asked for did not happen in time, or cannot be told apart.
    #[error("{0}")]
    Failed(String),
    /// The service said no.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Start(error.into())
    }
}

/// Runs the program with the process's arguments; `pages` makes what a server shows to browsers.
#[must_use]
pub fn main(pages: fn() -> Router) -> ExitCode {
    let verb = match parse() {
        Ok(verb) => verb,
        Err(error) => return fail(&error),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(perform(verb, pages)) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has read enough, as `head` does.
        Err(CliError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// The verb with its options, from command line, environment and configuration file; starts the log.
fn parse() -> Result<Verb, CliError> {
    let words: Vec<_> = std::env::args_os().collect();
    let command = config_file::layered(Arguments::command(), &words)?;
    let matches = command.get_matches_from(words);
    let verb = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).verb;
    let mut run = None;
    if let Verb::Run(arguments) = &verb {
        run = Some(&**arguments);
    } else if let Verb::Join(arguments) = &verb {
        run = Some(&arguments.run);
    }
    if let Some(run) = run {
        logging::start(run.log.as_deref(), run.log_format, "info")?;
    } else {
        // Verbs print what they were asked for; only what is wrong is logged beside it.
        logging::start(None, logging::LogFormat::Text, "error")?;
    }
    Ok(verb)
}

/// Prints one line of what was asked for.
fn say(line: impl Display) -> Result<(), CliError> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

async fn perform(verb: Verb, pages: fn() -> Router) -> Result<(), CliError> {
    match verb {
        Verb::Run(arguments) => run::perform(*arguments, pages).await,
        Verb::Join(arguments) => run::perform((*arguments).into(), pages).await,
        Verb::Check(arguments) => check::perform(*arguments).await,
        Verb::Backup(arguments) => backup::perform(&arguments).await,
        Verb::Restore(arguments) => restore::perform(&arguments).await,
        Verb::Copies(arguments) => copies::perform(&arguments).await,
        Verb::Config(arguments) => config::perform(&arguments),
        Verb::JoinString(arguments) => join_string::perform(&arguments).await,
        Verb::Newcomers(arguments) => newcomers::perform(&arguments).await,
        Verb::Confirm(arguments) => confirm::perform(&arguments).await,
        Verb::Provision(arguments) => provision::perform(arguments).await,
        Verb::Accept(arguments) => accept::perform(&arguments).await,
        Verb::Waiting(arguments) => waiting::perform(&arguments).await,
        Verb::RemoveServer(arguments) => remove_server::perform(&arguments).await,
        Verb::RevokeDevice(arguments) => revoke_device::perform(&arguments).await,
        Verb::Devices(arguments) => devices::perform(&arguments).await,
        Verb::Servers(arguments) => servers::list(&arguments).await,
        Verb::Promote(arguments) => servers::promote(&arguments).await,
        Verb::Rejoin(arguments) => servers::rejoin(&arguments).await,
        Verb::AutomaticPromotion(arguments) => automatic::perform(&arguments).await,
        Verb::Copy(arguments) => servers::copy(&arguments).await,
        Verb::Drill(arguments) => drill::perform(arguments).await,
        Verb::Quiesce(arguments) => quiesce::quiesce(&arguments).await,
        Verb::Resume(arguments) => quiesce::resume(&arguments).await,
        Verb::User(arguments) => user::perform(&arguments).await,
    }
}

fn fail(error: &CliError) -> ExitCode {
    eprintln!("portal: {error}");
    ExitCode::FAILURE
}

/// The folder of the server that a verb is for.
#[derive(clap::Args)]
struct DataArgument {
    /// The server's data folder
    #[arg(long = "data", value_name = "DIR", env = "PORTAL_DATA")]
    data: PathBuf,
    /// The configuration file; /etc/biostar/portal.toml if it is there
    #[arg(long, value_name = "FILE", env = "PORTAL_CONFIG")]
    config: Option<PathBuf>,
}
