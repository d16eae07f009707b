//! The database of a server that shares it: opened by whoever holds the lease on it, and by nobody else.

use super::{StartError, first::enter_first};
use crate::{
    clock::Clock,
    cluster::{
        lease::{Keeper, SharedFile, check_file_system},
        roles::{Pause, RoleRecord, Roles},
    },
    data_folder::DataFolder,
    db::{Installation, LOCAL_FILE, Store},
    identity::Identity,
    interfaces::{peers, peers::FirstCopyError},
    keys::Keys,
};
use model::Role;
use std::{path::Path, sync::Arc, time::Duration};

/// How long a standby without a copy waits for one before it looks after the lease without records.
const COPY_PATIENCE: Duration = Duration::from_secs(5);

/// Opens the shared database if this server was active and nobody else has taken the lease since; otherwise its copy, as a
/// standby that waits for the lease.
pub(super) async fn open(
    shared: &SharedFile,
    folder: &DataFolder,
    identity: &Identity,
    keys: &Keys,
    role: RoleRecord,
    clock: &Clock,
) -> Result<(Store, RoleRecord, Arc<Keeper>), StartError> {
    let place = shared.database.parent().filter(|place| !place.as_os_str().is_empty()).unwrap_or(Path::new("."));
    check_file_system(place, shared.fence.is_some())?;
    let keeper = Arc::new(Keeper::new(shared.clone()));
    // Whatever state its records are of: nobody else writes the file whose lease this server holds.
    let restored = role.pause == Some(Pause::Restored);
    let role = if restored { RoleRecord::new(Role::Active, role.epoch) } else { role };
    let gone = role.role == Role::Active && is_gone(&keeper, folder);
    if role.role == Role::Active
        && !gone
        && let Some(store) = resume(&keeper, folder, identity, &role, clock).await?
    {
        enter_first(&store, identity, keys, &role, clock).await?;
        return Ok((store, role, keeper));
    }
    let role = RoleRecord::new(Role::Standby, role.epoch);
    let store = match peers::open_standby(folder.path(), keys, &identity.installation_id, COPY_PATIENCE).await {
        Ok(store) => store.sharing(Some(&shared.database)),
        Err(FirstCopyError::None(_)) if gone => return Err(StartError::SharedGone(shared.database.clone())),
        Err(FirstCopyError::None(failure)) => {
            tracing::warn!(failure, "without records: this server serves nobody until it has the lease, or a copy");
            let outline = Installation::outline(&identity.installation_id, &role.epoch, clock.now_text());
            Store::open_blank(folder.path(), &shared.database, &outline).await?
        }
        Err(error) => return Err(error.into()),
    };
    Roles::save(folder.path(), &role).map_err(|error| StartError::Role(folder.path().to_owned(), error))?;
    Ok((store, role, keeper))
}

/// Whether the database that this server made, or took over, is not here: only the first start of all makes it.
fn is_gone(keeper: &Keeper, folder: &DataFolder) -> bool {
    let gone = !keeper.shared().is_here() && folder.path().join(LOCAL_FILE).exists();
    if gone {
        let database = keeper.shared().database.display();
        tracing::warn!(%database, "the shared database is not here: this server waits for its disk");
    }
    gone
}

/// The shared database as this server left it; `None` if another server has it, or had it since.
async fn resume(
    keeper: &Keeper,
    folder: &DataFolder,
    identity: &Identity,
    role: &RoleRecord,
    clock: &Clock,
) -> Result<Option<Store>, StartError> {
    let database = &keeper.shared().database;
    let taken = keeper.try_take(&identity.server_id, &identity.server_name);
    if let Err(holder) = taken.map_err(|error| StartError::Lease(database.clone(), error))? {
        let holder = holder.map(|holder| holder.server_name);
        tracing::info!(holder, "another server holds the lease on the shared database: this one is standby");
        return Ok(None);
    }
    let store = Store::open_shared(folder.path(), database).await?;
    let Some(found) = store.find_installation().await? else { return Ok(Some(store)) };
    if found.id != identity.installation_id {
        return Err(StartError::SharedForeign(database.clone()));
    }
    if (found.epoch, found.active_server.as_str()) == (role.epoch.number, identity.server_id.as_str()) {
        return Ok(Some(store));
    }
    // Another server was active since. The role begins anew, in an epoch of its own, once this one runs.
    tracing::info!(epoch = found.epoch, "the shared database was in other hands since this server was active");
    if let Err(flaw) = store.leave_shared_database(&found, &clock.now_text()).await {
        tracing::error!(error = &flaw as &dyn std::error::Error, "no copy of the shared database could be kept here");
    }
    store.close().await;
    keeper.hand_back();
    Ok(None)
}
