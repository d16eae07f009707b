//! The servers of the installation.

use leptos::{prelude::*, server_fn::codec::Json};
use model::{
    AutomaticPromotion, Decision, DivergentChange, Draining, Drill, EpochBegin, Evidence, Fault, Newcomer, Outage,
    Server,
};

/// All servers, this one first.
#[server(prefix = "/api/fn", endpoint = "list-servers")]
pub async fn list_servers() -> Result<Vec<Server>, Fault> {
    super::ask::answer(|operations| async move { operations.list_servers().await }).await
}

/// All servers that ask to join.
///
/// # Errors
///
/// A sign-in fault.
#[server(prefix = "/api/fn", endpoint = "list-newcomers")]
pub async fn list_newcomers() -> Result<Vec<Newcomer>, Fault> {
    super::ask::answer(|operations| async move { operations.list_newcomers().await }).await
}

/// Lets the server with this fingerprint in, or sends it away.
///
/// # Errors
///
/// [`Fault::NotFound`] if it asks no longer, [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "decide-on-newcomer", input = Json)]
pub async fn decide_on_newcomer(
    /// The fingerprint.
    id: String,
    /// What was decided.
    decision: Decision,
) -> Result<(), Fault> {
    super::ask::answer(|operations| async move { operations.decide_on_newcomer(id, decision).await }).await
}

/// Sends this server's devices to others, or takes devices again.
///
/// # Errors
///
/// [`Fault::WrongState`] if that cannot be, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "drain-server", input = Json)]
pub async fn drain_server(
    /// The server's id.
    id: String,
    /// Away, or here again.
    away: bool,
) -> Result<Draining, Fault> {
    super::ask::answer(|operations| async move { operations.drain_server(id, away).await }).await
}

/// Whether a standby takes over by itself.
#[server(prefix = "/api/fn", endpoint = "find-automatic-promotion")]
pub async fn find_automatic_promotion() -> Result<AutomaticPromotion, Fault> {
    super::ask::answer(|operations| async move { operations.find_automatic_promotion().await }).await
}

/// Says whether a standby shall take over by itself.
///
/// # Errors
///
/// Not active, a shared database file, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "set-automatic-promotion", input = Json)]
pub async fn set_automatic_promotion(
    /// It shall.
    enabled: bool,
) -> Result<AutomaticPromotion, Fault> {
    super::ask::answer(|operations| async move { operations.set_automatic_promotion(enabled).await }).await
}

/// Removes a server that does not come back.
///
/// # Errors
///
/// Not active, a server that answers, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "remove-server", input = Json)]
pub async fn remove_server(
    /// Its id.
    id: String,
) -> Result<Vec<Server>, Fault> {
    super::ask::answer(|operations| async move { operations.remove_server(id).await }).await
}

/// The newest failover drills.
#[server(prefix = "/api/fn", endpoint = "list-drills")]
pub async fn list_drills() -> Result<Vec<Drill>, Fault> {
    super::ask::answer(|operations| async move { operations.list_drills().await }).await
}

/// A failover drill with its report.
///
/// # Errors
///
/// No such drill, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "find-drill")]
pub async fn find_drill(
    /// Its id.
    id: String,
) -> Result<Drill, Fault> {
    super::ask::answer(|operations| async move { operations.find_drill(id).await }).await
}

/// Calls the devices of a drill back.
///
/// # Errors
///
/// It does not run here, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "stop-drill", input = Json)]
pub async fn stop_drill(
    /// The drill's id.
    id: String,
) -> Result<Drill, Fault> {
    super::ask::answer(|operations| async move { operations.stop_drill(id).await }).await
}

/// What an operator should know before this server is made active.
#[server(prefix = "/api/fn", endpoint = "find-evidence")]
pub async fn find_evidence() -> Result<Evidence, Fault> {
    super::ask::answer(|operations| async move { operations.find_evidence().await }).await
}

/// Makes this server, which was active, a standby of the one that is.
///
/// # Errors
///
/// [`Fault::WrongState`] if that cannot be, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "rejoin-server", input = Json)]
pub async fn rejoin_server(
    /// The server's id.
    id: String,
) -> Result<Vec<Server>, Fault> {
    super::ask::answer(|operations| async move { operations.rejoin_server(id).await }).await
}

/// Every time a server became active, the newest first.
#[server(prefix = "/api/fn", endpoint = "list-epochs")]
pub async fn list_epochs() -> Result<Vec<EpochBegin>, Fault> {
    super::ask::answer(|operations| async move { operations.list_epochs().await }).await
}

/// The newest times in which another server did not answer, as this one saw them.
#[server(prefix = "/api/fn", endpoint = "list-outages")]
pub async fn list_outages() -> Result<Vec<Outage>, Fault> {
    super::ask::answer(|operations| async move { operations.list_outages().await }).await
}

/// The changes that only this server had.
#[server(prefix = "/api/fn", endpoint = "list-divergent-changes")]
pub async fn list_divergent_changes() -> Result<Vec<DivergentChange>, Fault> {
    super::ask::answer(|operations| async move { operations.list_divergent_changes().await }).await
}

/// An operator has dealt with them.
#[server(prefix = "/api/fn", endpoint = "settle-divergent-changes")]
pub async fn settle_divergent_changes() -> Result<(), Fault> {
    super::ask::answer(|operations| async move { operations.settle_divergent_changes().await }).await
}
