//! Who this server is: found in its data folder, or made at the first start.

use super::StartError;
use crate::{
    clock::Clock,
    cluster::{
        peers_file,
        roles::{RoleRecord, Roles},
        store::NewServer,
    },
    config::{Config, FIRST_SERVER_NAME},
    data_folder::DataFolder,
    db::{AuditEntry, Installation, Promotion, PromotionKind, Store},
    epoch::EpochToken,
    identity::Identity,
    interfaces::{peers, peers::Applicant},
    keys::{Keys, KeysError},
};
use gateway::{
    authority::{Authority, ServerKey},
    enrolment::key_fingerprint,
};
use model::Role;
use std::time::Duration;

/// How long a new server waits for its first copy.
const FIRST_COPY_PATIENCE: Duration = Duration::from_secs(30);

/// The server of the data folder. A new folder becomes the second server of an installation if a join string was
/// given, else the first of a new one.
pub(super) async fn find_or_make(
    config: &Config,
    folder: &DataFolder,
    peers_endpoint: &str,
) -> Result<(Identity, Keys, RoleRecord), StartError> {
    if let Some(identity) = folder.identity()? {
        let mut keys = Keys::load(folder.path())?.ok_or_else(|| StartError::KeysMissing(folder.path().to_owned()))?;
        let (installation, server) = (keys.authority().installation_id(), keys.server_id());
        if (installation, server) != (&*identity.installation_id, &*identity.server_id) {
            return Err(StartError::KeysForeign(folder.path().to_owned()));
        }
        if config.join.is_some() {
            tracing::warn!(
                installation = identity.installation_id,
                "this server belongs to an installation already; the join string is not used"
            );
        }
        renew_own_certificate(&mut keys, folder, config);
        let role = Roles::load(folder.path()).map_err(|error| StartError::Role(folder.path().to_owned(), error))?;
        let role = role.ok_or_else(|| StartError::RoleMissing(folder.path().to_owned()))?;
        return Ok((identity, keys, role));
    }
    let server_id = random_id();
    let (identity, keys, role) = match &config.join {
        Some(string) => join(config, folder, string, server_id, peers_endpoint).await?,
        None => {
            let identity = Identity {
                installation_id: random_id(),
                server_id,
                server_name: given_name(config).unwrap_or(FIRST_SERVER_NAME).to_owned(),
            };
            let keys = Keys::create(&identity.installation_id, &identity.server_id, config.clock.now())?;
            let first = EpochToken::seal(&keys, 1, &identity.server_id).map_err(KeysError::from)?;
            (identity, keys, RoleRecord::new(Role::Active, first))
        }
    };
    keys.save(folder.path())?;
    Roles::save(folder.path(), &role).map_err(|error| StartError::Role(folder.path().to_owned(), error))?;
    folder.write_identity(&identity)?;
    tracing::info!(server = identity.server_name, role = ?role.role, "made a new server");
    Ok((identity, keys, role))
}

/// In time; while it does not succeed the old certificate is good for years.
fn renew_own_certificate(keys: &mut Keys, folder: &DataFolder, config: &Config) {
    match keys.renew_if_due(folder.path(), config.clock.now()) {
        Ok(true) => tracing::info!("this server gave itself another certificate in the place of an old one"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(%error, "this server's certificate could not be renewed: the next start tries again")
        }
    }
}

async fn join(
    config: &Config,
    folder: &DataFolder,
    string: &str,
    server_id: String,
    peers_endpoint: &str,
) -> Result<(Identity, Keys, RoleRecord), StartError> {
    let key = ServerKey::generate().map_err(KeysError::from)?;
    let certificate_request = key.request().map_err(KeysError::from)?;
    let fingerprint = key_fingerprint(&certificate_request).map_err(KeysError::from)?;
    let applicant = Applicant {
        server_id: &server_id,
        name: given_name(config),
        certificate_request: &certificate_request,
        addresses: &[peers_endpoint.to_owned()],
    };
    let waiting = |server: &str| (config.tell_fingerprint)(server, fingerprint);
    let reply = peers::join(string, applicant, waiting).await?;
    let unusable = |error: &dyn std::fmt::Display| StartError::JoinKeys(error.to_string());
    let authority =
        Authority::from_pem(&reply.authority_certificate, &reply.authority_key).map_err(|e| unusable(&e))?;
    if authority.installation_id() != reply.installation_id {
        return Err(unusable(&"they belong to another installation"));
    }
    let mut token_secret = [0; 32];
    hex::decode_to_slice(&reply.token_key, &mut token_secret).map_err(|e| unusable(&e))?;
    let keys = Keys::of_newcomer(authority, token_secret, &server_id, &key, reply.server_certificate)
        .map_err(|e| unusable(&e))?;
    let epoch = reply.servers.iter().map(|server| &server.epoch).max().cloned();
    let epoch = epoch.filter(|token| token.is_genuine(keys.authority()));
    let epoch = epoch.ok_or_else(|| unusable(&"no epoch with its seal came with them"))?;
    peers_file::remember_servers(folder.path(), &reply.servers)?;
    let identity = Identity { installation_id: reply.installation_id, server_id, server_name: reply.server_name };
    Ok((identity, keys, RoleRecord::new(Role::Standby, epoch)))
}

/// Opens the databases; those of a first server are made, with the installation and itself on record.
pub(super) async fn open_store(
    folder: &DataFolder,
    identity: &Identity,
    keys: &Keys,
    role: &RoleRecord,
    config: &Config,
) -> Result<Store, StartError> {
    match role.role {
        Role::ReadOnly => {
            let store = Store::open(folder.path()).await?;
            store.freeze_database().await?;
            Ok(store)
        }
        Role::Standby => {
            Ok(peers::open_standby(folder.path(), keys, &identity.installation_id, FIRST_COPY_PATIENCE).await?)
        }
        Role::Active => {
            let store = Store::open(folder.path()).await?;
            enter_first(&store, identity, keys, role, &config.clock).await?;
            Ok(store)
        }
    }
}

/// Puts the installation and its first server on record; what is there already stands.
pub(super) async fn enter_first(
    store: &Store,
    identity: &Identity,
    keys: &Keys,
    role: &RoleRecord,
    clock: &Clock,
) -> Result<(), StartError> {
    let now = clock.now_text();
    let installation = Installation {
        id: identity.installation_id.clone(),
        epoch: 1,
        active_server: identity.server_id.clone(),
        created_at: now.clone(),
    };
    store.insert_installation(&installation).await?;
    store.insert_first_epoch(&first_promotion(identity, role, now.clone())).await?;
    let certificate_serial = hex::encode(keys.certificate_serial());
    let server =
        NewServer { id: &identity.server_id, name: &identity.server_name, certificate_serial: &certificate_serial };
    Ok(store.insert_first_server(server, &now).await?)
}

/// The beginning of the timeline; one that is there already stands.
fn first_promotion(identity: &Identity, role: &RoleRecord, at: String) -> Promotion {
    let audit = AuditEntry {
        at,
        operator: "system".to_owned(),
        peer: None,
        action: "server.promote",
        subject: format!("server {}", identity.server_name),
        before: None,
        after: None,
    };
    Promotion { epoch: role.epoch.clone(), kind: PromotionKind::First, stopped: None, audit }
}

fn given_name(config: &Config) -> Option<&str> {
    config.name.as_deref().map(str::trim)
}

/// 64 random bits; an installation has a handful of servers.
fn random_id() -> String {
    hex::encode(rand::random::<[u8; 8]>())
}
