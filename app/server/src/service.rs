//! The rules of the portal. Pages, REST and the device link are three doors to this one room.
//!
//! Nothing here knows HTTP, the browser or SQL: a request comes in as model values and an [`Actor`], an answer goes out
//! as model values or a [`Fault`].

mod attempts;
mod automatic;
mod batches;
mod connection_settings;
mod copying;
mod device_search;
mod devices;
mod draining;
mod drift;
mod drills;
mod enrolment;
mod event_writer;
mod events;
mod failures;
#[cfg(test)]
mod fixture;
mod health;
mod joining;
mod learning;
mod names;
mod newcomers;
mod operator_records;
mod operators;
mod orders;
mod outages;
mod paging;
mod passwords;
mod pauses;
mod promotion;
mod proving;
mod provisioning;
mod pushes;
mod quiet;
mod rejoining;
mod renewals;
mod replication;
mod revision_history;
mod revoking;
mod role_changes;
mod rollouts;
mod seats;
mod server_lists;
mod servers;
mod session_writer;
mod sessions;
mod shared_database;
mod sign_in;
mod standing;
mod startup_confirmation;
mod tokens;
mod waiting;

pub use super::store::ReportedList;
pub(super) use failures::{foreign_text, in_words, rows_of};
pub use operators::FIRST_LOGIN;
pub use passwords::MIN_PASSWORD_CHARACTERS;
pub(crate) use pauses::loses_writes;
pub use pushes::Report;
pub use quiet::QUIESCE_MAX_S;
pub(crate) use replication::fitting;
pub use server_lists::ListInput;
pub use sessions::{Arrival, MoveFailed};
pub use sign_in::{Bearer, REFRESH_LIFE, SignedIn};

use super::{
    changes::{Change, Changes},
    clock::Clock,
    keys::Keys,
    lease::Keeper,
    metrics::Metrics,
    peers::{PeerBoard, PeerRequest},
    quorum::QuorumKeeper,
    roles::{EpochToken, RoleRecord, Roles},
    starts::{Start, Starts},
    store::{Store, StoreError},
};
use event_writer::EventWriter;
use gateway::{server::Handle, wire::Address};
use model::{Banner, Fault, Role};
use newcomers::Newcomers;
use serde::{Deserialize, Serialize};
use session_writer::SessionWriter;
use sign_in::SignInGuard;
use startup_confirmation::Confirmations;
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};
use tokio::sync::{Mutex, Notify, broadcast, mpsc, watch};

/// Who wants something done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The operator's login; `console` for the command line, `system` for the program itself.
    pub login: String,
    /// Where the request came from.
    pub peer: Option<String>,
}

/// The login under which the program acts by itself.
const SYSTEM: &str = "system";

impl Actor {
    /// The program itself.
    #[must_use]
    pub fn system() -> Self {
        Self { login: SYSTEM.to_owned(), peer: None }
    }
}

/// Who this server is in its installation; fixed while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The installation's id.
    pub installation_id: String,
    /// This server's id.
    pub server_id: String,
    /// This server's name.
    pub server_name: String,
}

/// The rules, with what they need to act.
pub struct Service {
    pub(super) store: Store,
    pub(super) keys: Arc<Keys>,
    pub(super) identity: Identity,
    /// What this server is in its installation, and which epoch it knows.
    pub(super) roles: Roles,
    /// Which start of this server this is.
    start: std::sync::Mutex<Starts>,
    /// A later one that another server has seen.
    overtaken_by: std::sync::Mutex<Option<Start>>,
    /// One promotion or rejoining at a time.
    turn: Mutex<()>,
    /// By which devices decide which server is active; not where a lease does.
    quorum: OnceLock<QuorumKeeper>,
    /// Where the role goes with a lease on a shared database.
    lease: OnceLock<Arc<Keeper>>,
    /// Runs peer requests to other servers.
    peer_requests: OnceLock<mpsc::Sender<PeerRequest>>,
    /// Somebody wants the other server to have a copy now.
    pub(super) copy_asked: Notify,
    copy_notes: copying::CopyNotes,
    /// It has become active, and its devices have not been asked yet for lists that are not known here.
    unlearned: AtomicBool,
    /// The local database may hold what belongs in the database.
    unadopted: AtomicBool,
    /// Whoever takes it over does so alone.
    adopting: Mutex<()>,
    /// While nobody has said yet that this server is still the active one: which devices did.
    confirmations: Confirmations,
    pub(super) clock: Clock,
    pub(super) changes: Changes,
    /// Those that began here and not on another portal of the same database.
    own_changes: Changes,
    /// Which other servers answer.
    pub(super) peers: PeerBoard,
    /// The device gateway, once it listens.
    pub(super) gateway: OnceLock<Handle>,
    /// Where devices reach that gateway.
    pub(super) advertised: OnceLock<(Address, u16)>,
    /// When this server was started.
    started_at: String,
    /// What is wrong with how this server was started.
    warnings: std::sync::Mutex<Vec<String>>,
    sign_in_guard: SignInGuard,
    newcomers: Newcomers,
    event_writer: EventWriter,
    session_writer: SessionWriter,
    moves: orders::Moves,
    outages: outages::Outages,
    boots: drift::Boots,
    drained: draining::Drained,
    replication: replication::LastLook,
    hold: quiet::Hold,
    drills: drills::Drills,
    certificates_shown: renewals::Shown,
    /// Devices that may speak in the clear: whoever they say they are, they prove nothing of servers.
    plain_devices: OnceLock<BTreeSet<u32>>,
    pub(super) revoked_servers: revoking::RevokedServers,
    /// What is measured.
    pub(super) metrics: Metrics,
}

impl Service {
    /// Puts the room together; the gateway is attached when it listens.
    #[must_use]
    pub fn new(store: Store, keys: Keys, identity: Identity, role: RoleRecord, clock: Clock) -> Arc<Self> {
        let peers = PeerBoard::new(&identity.server_id);
        let roles = Roles::new(store.folder(), role);
        Arc::new(Self {
            store,
            keys: Arc::new(keys),
            identity,
            roles,
            start: std::sync::Mutex::default(),
            overtaken_by: std::sync::Mutex::default(),
            turn: Mutex::default(),
            quorum: OnceLock::new(),
            lease: OnceLock::new(),
            peer_requests: OnceLock::new(),
            copy_asked: Notify::new(),
            copy_notes: copying::CopyNotes::default(),
            unlearned: AtomicBool::new(false),
            unadopted: AtomicBool::new(false),
            adopting: Mutex::default(),
            confirmations: Confirmations::default(),
            started_at: clock.now_text(),
            clock,
            changes: Changes::default(),
            own_changes: Changes::default(),
            peers,
            gateway: OnceLock::new(),
            advertised: OnceLock::new(),
            warnings: std::sync::Mutex::default(),
            sign_in_guard: SignInGuard::default(),
            newcomers: Newcomers::default(),
            event_writer: EventWriter::default(),
            session_writer: SessionWriter::default(),
            moves: orders::Moves::default(),
            outages: outages::Outages::default(),
            boots: drift::Boots::default(),
            drained: draining::Drained::default(),
            replication: replication::LastLook::default(),
            hold: quiet::Hold::default(),
            drills: drills::Drills::default(),
            certificates_shown: renewals::Shown::default(),
            plain_devices: OnceLock::new(),
            revoked_servers: revoking::RevokedServers::default(),
            metrics: Metrics::default(),
        })
    }

    /// Who this server is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The certificate of the installation's authority, PEM.
    #[must_use]
    pub fn authority_certificate(&self) -> String {
        self.keys.authority().certificate_pem().to_owned()
    }

    /// What is measured.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What changes, as it changes.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Says which start of this server this is.
    pub(super) fn begin_start(&self, start: Starts) {
        *self.start.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = start;
    }

    /// Attaches the listening device gateway; a second call is ignored.
    pub fn attach_gateway(&self, handle: Handle) {
        let _ = self.gateway.set(handle);
    }

    /// Attaches the fleet quorum; a second call is ignored.
    pub(super) fn attach_quorum(&self, quorum: QuorumKeeper) {
        let _ = self.quorum.set(quorum);
    }

    /// Attaches the link to the other servers; a second call is ignored.
    pub(super) fn attach_peers(&self, peer_requests: mpsc::Sender<PeerRequest>) {
        let _ = self.peer_requests.set(peer_requests);
    }

    /// Says which devices may speak in the clear; a second call is ignored.
    pub(super) fn let_in_plainly(&self, devices: BTreeSet<u32>) {
        let _ = self.plain_devices.set(devices);
    }

    /// Whether anybody could say that it is this device.
    fn is_plain(&self, device: u32) -> bool {
        self.plain_devices.get().is_some_and(|devices| devices.contains(&device))
    }

    /// Puts a warning on top of every page.
    pub fn warn(&self, warning: String) {
        self.warnings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(warning);
    }

    fn warnings(&self) -> Vec<Banner> {
        let warnings = self.warnings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        warnings.iter().map(|text| Banner { text: text.clone() }).collect()
    }

    /// Ends all use of the databases; the last step of stopping.
    pub(super) async fn close_store(&self) {
        self.store.close().await;
    }

    /// The role of this server now.
    #[must_use]
    pub fn role(&self) -> Role {
        let role = self.roles.role();
        // Also a moment before it is noticed and shown.
        let objects = || self.quorum.get().is_some_and(|quorum| quorum.objection().is_some());
        if role == Role::Active && objects() { Role::ReadOnly } else { role }
    }

    /// Hears of every change of the role.
    #[must_use]
    pub fn watch_role(&self) -> watch::Receiver<RoleRecord> {
        self.roles.watch()
    }

    /// The highest epoch that is known here.
    #[must_use]
    pub fn known_epoch(&self) -> EpochToken {
        self.roles.now().epoch
    }

    /// Refuses edits on every server but the active one.
    ///
    /// # Errors
    ///
    /// [`Fault::NotActive`] with the active server's name.
    pub(super) async fn require_active(&self) -> Result<(), Fault> {
        match self.role() {
            Role::Active => Ok(()),
            Role::Standby | Role::ReadOnly => Err(Fault::NotActive { active: self.active_server_name().await }),
        }
    }

    pub(super) fn changed(&self, change: Change) {
        if let (Change::Database, Some(quorum)) = (&change, self.quorum.get()) {
            quorum.wrote(self.clock.now_text());
        }
        self.own_changes.send(change.clone());
        self.changes.send(change);
    }

    /// What this server itself changes, from now on.
    pub(super) fn own_changes(&self) -> broadcast::Receiver<Change> {
        self.own_changes.listen()
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "store failed");
        match error {
            StoreError::Locked(_) => Self::StorageUnavailable {
                hint: "Another program holds the database file; nothing was saved. Try again.".to_owned(),
            },
            StoreError::Full(_) => Self::StorageUnavailable {
                hint: "The disk is full; nothing was saved. Free some space and try again.".to_owned(),
            },
            StoreError::Unusable(_) => Self::StorageUnavailable {
                hint: "The database cannot be read or written; nothing was saved. The log says why.".to_owned(),
            },
            StoreError::ReadOnly(_) => {
                Self::StorageUnavailable { hint: "The database can only be read here; nothing was saved.".to_owned() }
            }
            StoreError::OtherLine(_) => Self::StorageUnavailable {
                hint: "The database server was promoted or restored by other hands; nothing was saved. See the Servers page."
                    .to_owned(),
            },
            StoreError::NoFile => Self::StorageUnavailable {
                hint: "The database is on a database server: no copies are made of it.".to_owned(),
            },
            StoreError::Exists(_)
            | StoreError::Inconsistent { .. }
            | StoreError::Migration(_)
            | StoreError::Address(_)
            | StoreError::Statement(_) => Self::Internal,
        }
    }
}
