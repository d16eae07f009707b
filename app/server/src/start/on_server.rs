//! A database on a PostgreSQL server: written by all servers of the active site, read from a replica by those of another one.

use super::{StartError, first::enter_first};
use crate::{
    clock::Clock,
    cluster::{
        fitting, loses_writes,
        roles::{RoleRecord, Roles},
    },
    data_folder::DataFolder,
    db::Store,
    identity::Identity,
    keys::Keys,
};
use model::Role;

/// Opens the database at `address` as far as this server's role and the database server's own allow: a replica makes a
/// standby, whatever this server was.
pub(super) async fn open(
    address: &str,
    folder: &DataFolder,
    identity: &Identity,
    keys: &Keys,
    role: RoleRecord,
    clock: &Clock,
) -> Result<(Store, RoleRecord), StartError> {
    let read_only = Store::open_postgres(folder.path(), address, true).await?;
    let seen = read_only.look_at_cluster().await?.unwrap_or_default();
    let before = role.clone();
    let role = fitting(&role, &seen).unwrap_or(role);
    if role.role == Role::Standby && loses_writes(&before) {
        read_only.note_overwritten(&identity.server_name, &clock.now_text()).await?;
    }
    save(folder, &role)?;
    if role.role != Role::Active {
        // Only a database of this installation can be read, and whoever joins brings a replica of it.
        let found = read_only.find_installation().await.ok().flatten();
        if found.is_none_or(|found| found.id != identity.installation_id) {
            read_only.close().await;
            return Err(StartError::NoReplica);
        }
        return Ok((read_only, role));
    }
    read_only.close().await;
    let store = Store::open_postgres(folder.path(), address, false).await?;
    match store.find_installation().await? {
        Some(found) if found.id != identity.installation_id => {
            store.close().await;
            Err(StartError::DatabaseForeign)
        }
        // Another server of this site was made active meanwhile; this one follows when it has heard of the epoch.
        Some(found) if found.epoch != role.epoch.number => {
            let role = RoleRecord::new(Role::Standby, role.epoch);
            save(folder, &role)?;
            store.freeze_database().await?;
            Ok((store, role))
        }
        // One of several servers that write it.
        Some(found) if found.active_server != identity.server_id => Ok((store, role)),
        Some(_) | None => {
            enter_first(&store, identity, keys, &role, clock).await?;
            Ok((store, role))
        }
    }
}

fn save(folder: &DataFolder, role: &RoleRecord) -> Result<(), StartError> {
    Roles::save(folder.path(), role).map_err(|error| StartError::Role(folder.path().to_owned(), error))
}
