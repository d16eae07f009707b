//! What stands around every page: who is signed in, at which server, and how much there is.

use crate::model::{Fault, Overview};
use leptos::prelude::*;

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
            role: service.role(),
            banners: service.banners().await,
            devices: service.list_devices(one).await?.total,
            waiting_devices: service.list_waiting().await?.len() as u64,
        })
    })
    .await
}
