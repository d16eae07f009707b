//! The servers of the installation.

use crate::model::{
    AutomaticPromotion, Decision, Draining, Drill, EpochBegin, Evidence, Fault, LoneWrite, Newcomer, Outage, Server,
};
use leptos::{prelude::*, server_fn::codec::Json};

/// All servers, this one first.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-servers")]
pub async fn list_servers() -> Result<Vec<Server>, Fault> {
    super::door::answer(async |service, _| service.list_servers().await).await
}

/// All servers that ask to join.
///
/// # Errors
///
/// A sign-in fault.
#[server(prefix = "/api/fn", endpoint = "list-newcomers")]
pub async fn list_newcomers() -> Result<Vec<Newcomer>, Fault> {
    super::door::answer(async |service, _| Ok(service.list_newcomers())).await
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
    super::door::answer(async |service, session| match decision {
        Decision::Accept => service.confirm_newcomer(&session.actor, &id).await,
        Decision::Reject => service.reject_newcomer(&session.actor, &id).await,
    })
    .await
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
    super::door::answer(async |service, session| match away {
        true => service.drain(&session.actor, &id).await,
        false => service.end_drain(&session.actor, &id).await,
    })
    .await
}

/// Whether a standby takes over by itself.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "find-automatic-promotion")]
pub async fn find_automatic_promotion() -> Result<AutomaticPromotion, Fault> {
    super::door::answer(async |service, _| service.automatic_promotion().await).await
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
    super::door::answer(async |service, session| service.set_automatic_promotion(&session.actor, enabled).await).await
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
    super::door::answer(async |service, session| service.remove_server(&session.actor, &id).await).await
}

/// The newest rehearsed failovers.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-drills")]
pub async fn list_drills() -> Result<Vec<Drill>, Fault> {
    super::door::answer(async |service, _| service.list_drills(Some(10)).await).await
}

/// A rehearsed failover with its report.
///
/// # Errors
///
/// No such drill, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "find-drill")]
pub async fn find_drill(
    /// Its id.
    id: String,
) -> Result<Drill, Fault> {
    super::door::answer(async |service, _| service.find_drill(&id).await).await
}

/// Calls the devices of a rehearsal back.
///
/// # Errors
///
/// It does not run here, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "stop-drill", input = Json)]
pub async fn stop_drill(
    /// The drill's id.
    id: String,
) -> Result<Drill, Fault> {
    super::door::answer(async |service, session| service.stop_drill(&session.actor, &id).await).await
}

/// What an operator should know before this server is made active.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "find-evidence")]
pub async fn find_evidence() -> Result<Evidence, Fault> {
    super::door::answer(async |service, _| {
        let own = service.site().server_id.clone();
        service.promotion_evidence(&own).await
    })
    .await
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
    super::door::answer(async |service, session| service.rejoin(&session.actor, &id).await).await
}

/// Every time a server became active, the newest first.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-epochs")]
pub async fn list_epochs() -> Result<Vec<EpochBegin>, Fault> {
    super::door::answer(async |service, _| service.list_epochs().await).await
}

/// The newest times in which another server did not answer, as this one saw them.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-outages")]
pub async fn list_outages() -> Result<Vec<Outage>, Fault> {
    super::door::answer(async |service, _| service.list_outages().await).await
}

/// The changes that only this server had.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-lone-writes")]
pub async fn list_lone_writes() -> Result<Vec<LoneWrite>, Fault> {
    super::door::answer(async |service, _| service.list_lone_writes().await).await
}

/// An operator has dealt with them.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "settle-lone-writes")]
pub async fn settle_lone_writes() -> Result<(), Fault> {
    super::door::answer(async |service, session| service.settle_lone_writes(&session.actor).await).await
}
