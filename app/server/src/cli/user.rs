//! `portal user`

use super::{CliError, console::Console, say};
use crate::{
    Service, actor::Actor, clock::Clock, cluster::roles::Roles, data_folder::read_identity, db::Store,
    interfaces::auth::encode, keys::Keys, start::StartError,
};
use clap::Subcommand;
use model::{Fault, Operator, Role};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List the operators: login and name
    List {
        #[command(flatten)]
        data: super::DataArgument,
    },
    /// Add an operator, and print a password that must be changed at the first sign-in
    Add {
        /// The operator's login
        login: String,
        #[command(flatten)]
        data: super::DataArgument,
    },
    /// Remove an operator, on all servers at once; the last one cannot be removed
    Remove {
        /// The operator's login
        login: String,
        #[command(flatten)]
        data: super::DataArgument,
    },
    /// Give an operator who lost theirs a new password, also while the server is down
    Reset {
        /// The operator's login
        login: String,
        #[command(flatten)]
        data: super::DataArgument,
        /// The database of a server that works on PostgreSQL
        #[arg(long, value_name = "ADDRESS", env = "PORTAL_DATABASE", hide_env_values = true)]
        database: Option<String>,
    },
}

#[derive(Deserialize)]
struct Made {
    password: String,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    match &arguments.verb {
        Verb::List { data } => list(&data.data).await,
        Verb::Add { login, data } => {
            let made: Made = Console::new(&data.data).post("/operators", &json!({ "login": login })).await?;
            eprintln!("It must be changed at the first sign-in.");
            say(made.password)
        }
        Verb::Remove { login, data } => {
            Console::new(&data.data).delete(&format!("/operators/{}", encode(login))).await?;
            say(format_args!("{login} removed"))
        }
        Verb::Reset { login, data, database } => reset(login, &data.data, database.as_deref()).await,
    }
}

async fn list(data: &Path) -> Result<(), CliError> {
    for operator in Console::new(data).get::<Vec<Operator>>("/operators").await? {
        say(format_args!("{}\t{}", operator.login, operator.name))?;
    }
    Ok(())
}

async fn reset(login: &str, data: &Path, database: Option<&str>) -> Result<(), CliError> {
    let path = format!("/operators/{}/password-reset", encode(login));
    let password = match Console::new(data).post::<Made>(&path, &json!({})).await {
        Ok(made) => made.password,
        Err(CliError::NotRunning(_)) => reset_without_server(data, database, login).await?,
        Err(error) => return Err(error),
    };
    eprintln!("It must be changed at the next sign-in.");
    say(password)
}

async fn reset_without_server(data: &Path, database: Option<&str>, login: &str) -> Result<String, CliError> {
    let missing = || CliError::Failed(format!("{} holds no server", data.display()));
    let identity = read_identity(data).map_err(StartError::from)?.ok_or_else(missing)?;
    let unreadable =
        |error: std::io::Error| CliError::Failed(format!("the role of this server cannot be read: {error}"));
    let role = Roles::load(data).map_err(unreadable)?.ok_or_else(missing)?;
    if role.role != Role::Active {
        return Err(Fault::NotActive { active: "the active server".to_owned() }.into());
    }
    let keys = Keys::load(data).map_err(StartError::from)?.ok_or_else(missing)?;
    let store = match database {
        Some(address) => Store::open_postgres(data, address, false).await,
        None => Store::open(data).await,
    }
    .map_err(StartError::from)?;
    let actor = Actor { login: "console".to_owned(), peer: None };
    Ok(Service::new(store, keys, identity, role, Clock::system()).reset_operator(&actor, login).await?)
}
