//! One server of the installation, without its pages: those are given to it as a router when it starts.
//!
//! # Rooms
//!
//! * [`db`] — engines, migrations, SQL helpers, the files of the installation database, the audit trail
//! * [`cluster`] — which server may write, and how data reach the other ones
//! * [`people`] — who may sign in
//! * [`fleet`] — what devices have and should have
//! * [`interfaces`] — browsers, programs, devices, other servers, Prometheus: translators without rules
//! * [`start`] — from a configuration to a server that runs; [`cli`] — the command line; [`backup`] — a server as one file
//!
//! [`Service`] stands here and not in a room because every room still hangs its rules on it.

pub mod actor;
pub mod backup;
mod batches;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod data_folder;
pub mod db;
pub mod durable;
pub mod epoch;
#[cfg(test)]
pub(crate) mod fixture;
pub mod fleet;
pub mod identity;
pub mod interfaces;
pub mod keys;
mod names;
mod paging;
pub mod people;
pub mod start;
mod state;

use changes::Changes;
use clock::Clock;
use cluster::{
    copying::CopyNotes,
    lease::Keeper,
    newcomers::Newcomers,
    peer_board::PeerBoard,
    peer_requests::PeerRequest,
    quiet::Hold,
    quorum::QuorumKeeper,
    replication::LastLook,
    revoking::RevokedServers,
    roles::{RoleRecord, Roles},
    starts::{Start, Starts},
    startup_confirmation::Confirmations,
};
use db::Store;
use fleet::{
    draining::Drained, drift::Boots, drills::Drills, event_writer::EventWriter, orders::Moves, outages::Outages,
    renewals::Shown, session_writer::SessionWriter,
};
use gateway::{server::Handle, wire::Address};
use identity::Identity;
use interfaces::metrics::Metrics;
use keys::Keys;
use people::sign_in::SignInGuard;
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};
use tokio::sync::{Mutex, Notify, mpsc};

/// The rules, with what they need to act.
pub struct Service {
    pub(crate) store: Store,
    pub(crate) keys: Arc<Keys>,
    pub(crate) identity: Identity,
    /// What this server is in its installation, and which epoch it knows.
    pub(crate) roles: Roles,
    /// Which start of this server this is.
    pub(crate) start: std::sync::Mutex<Starts>,
    /// A later one that another server has seen.
    pub(crate) overtaken_by: std::sync::Mutex<Option<Start>>,
    /// One promotion or rejoining at a time.
    pub(crate) turn: Mutex<()>,
    /// By which devices decide which server is active; not where a lease does.
    pub(crate) quorum: OnceLock<QuorumKeeper>,
    /// Where the role goes with a lease on a shared database.
    pub(crate) lease: OnceLock<Arc<Keeper>>,
    /// Runs peer requests to other servers.
    pub(crate) peer_requests: OnceLock<mpsc::Sender<PeerRequest>>,
    /// Somebody wants the other server to have a copy now.
    pub(crate) copy_asked: Notify,
    pub(crate) copy_notes: CopyNotes,
    /// It has become active, and its devices have not been asked yet for lists that are not known here.
    pub(crate) unlearned: AtomicBool,
    /// The local database may hold what belongs in the database.
    pub(crate) unadopted: AtomicBool,
    /// Whoever takes it over does so alone.
    pub(crate) adopting: Mutex<()>,
    /// While nobody has said yet that this server is still the active one: which devices did.
    pub(crate) confirmations: Confirmations,
    pub(crate) clock: Clock,
    pub(crate) changes: Changes,
    /// Those that began here and not on another portal of the same database.
    pub(crate) own_changes: Changes,
    /// Which other servers answer.
    pub(crate) peers: PeerBoard,
    /// The device gateway, once it listens.
    pub(crate) gateway: OnceLock<Handle>,
    /// Where devices reach that gateway.
    pub(crate) advertised: OnceLock<(Address, u16)>,
    /// When this server was started.
    pub(crate) started_at: String,
    /// What is wrong with how this server was started.
    pub(crate) warnings: std::sync::Mutex<Vec<String>>,
    pub(crate) sign_in_guard: SignInGuard,
    pub(crate) newcomers: Newcomers,
    pub(crate) event_writer: EventWriter,
    pub(crate) session_writer: SessionWriter,
    pub(crate) moves: Moves,
    pub(crate) outages: Outages,
    pub(crate) boots: Boots,
    pub(crate) drained: Drained,
    pub(crate) replication: LastLook,
    pub(crate) hold: Hold,
    pub(crate) drills: Drills,
    pub(crate) certificates_shown: Shown,
    /// Devices that may speak in the clear: whoever they say they are, they prove nothing of servers.
    pub(crate) plain_devices: OnceLock<BTreeSet<u32>>,
    pub(crate) revoked_servers: RevokedServers,
    /// What is measured.
    pub(crate) metrics: Metrics,
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
            copy_notes: CopyNotes::default(),
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
            moves: Moves::default(),
            outages: Outages::default(),
            boots: Boots::default(),
            drained: Drained::default(),
            replication: LastLook::default(),
            hold: Hold::default(),
            drills: Drills::default(),
            certificates_shown: Shown::default(),
            plain_devices: OnceLock::new(),
            revoked_servers: RevokedServers::default(),
            metrics: Metrics::default(),
        })
    }
}
