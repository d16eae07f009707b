//! What stands around every page: who is signed in, at which server, and how much there is.

use crate::model::{Banner, Fault, Operator, Role};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the frame around the pages shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Who is signed in.
    pub operator: Operator,
    /// The name of the server that answers.
    pub server_name: String,
    /// Its role.
    pub role: Role,
    /// The standing message, if there is one.
    pub banner: Option<Banner>,
    /// How many devices belong to the installation.
    pub devices: u64,
    /// How many wait to be accepted.
    pub waiting_devices: u64,
}

/// What the frame shows.
///
/// # Errors
///
/// [`Fault::NotSignedIn`], [`Fault::PasswordChangeRequired`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "find-overview")]
pub async fn find_overview() -> Result<Overview, Fault> {
    use super::door;
    use crate::model::DeviceQuery;
    door::answer(async |service, session| {
        let one = DeviceQuery { limit: Some(1), ..DeviceQuery::default() };
        Ok(Overview {
            operator: session.operator,
            server_name: service.site().server_name.clone(),
            role: service.site().role,
            banner: service.banner().await,
            devices: service.list_devices(one).await?.total,
            waiting_devices: service.list_waiting().await?.len() as u64,
        })
    })
    .await
}
