//! What servers say to one another, as JSON over mutual TLS.

use crate::{
    cluster::{peer_board::ServerFacts, peer_requests::Order, quorum::Letter, starts::Start, store::Revocation},
    db::{DatabaseFacts, Manifest},
    fleet::store::{EventNews, Outcome, Sighting},
    people::store::{HeldRecords, OperatorRecords},
};
use model::ProbeRow;
use serde::{Deserialize, Serialize};

/// Of an answer held in memory; every device's newest session fits many times over.
pub(super) const MAX_MESSAGE_BYTES: usize = 64 << 20;
/// The TLS exporter label of the binding that a newcomer's proof covers; its context is absent.
pub(super) const BINDING_LABEL: &[u8] = b"EXPORTER-biostar-join";

/// `POST`: a newcomer asks to be a server of the installation.
pub(super) const JOIN: &str = "/join";
/// `POST`: the standby's news for the active server's.
pub(super) const EXCHANGE: &str = "/exchange";
/// `GET`: the newest snapshot of the database.
pub(super) const COPY: &str = "/copy";
/// `POST`: the active server shall give its role to the caller.
pub(super) const STEP_DOWN: &str = "/step-down";
/// `POST`: the caller could not take the role.
pub(super) const TAKE_BACK: &str = "/take-back";
/// `POST`: the server carries an order out on a device that it holds.
pub(super) const ORDER: &str = "/order";
/// `POST`: the active server renews the certificate of a device that the caller holds.
pub(super) const RENEW: &str = "/renew";
/// Header of a [`COPY`] answer: its [`Manifest`].
pub(super) const MANIFEST: &str = "x-copy-manifest";

/// Header of a [`COPY`] request: hash and size of what has arrived of an earlier answer, as `<sha256> <bytes>`.
pub(super) const RESUME: &str = "x-copy-resume";
/// Header of a [`COPY`] answer: so many bytes are left out at its beginning.
pub(super) const FROM: &str = "x-copy-from";

/// What either server tells the other of itself in an exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct News {
    /// Who it is.
    pub server: ServerFacts,
    /// The newest version of the other's sightings that it has.
    pub have: u64,
    /// Its own sightings that the other does not have, oldest change first.
    pub sightings: Vec<Sighting>,
    /// How many changes its database holds.
    #[serde(default)]
    pub change: u64,
    /// What the copy holds that it works with.
    #[serde(default)]
    pub holds: Option<DatabaseFacts>,
    /// Its epochs, with the change at which each began; where no copies tell.
    #[serde(default)]
    pub forks: Vec<(u64, u64)>,
    /// The latest start of the other server that it knows of.
    #[serde(default)]
    pub seen: Option<Start>,
    /// How many certificates it knows to be no longer good.
    #[serde(default)]
    pub revoked: u64,
    /// Tells those from any others.
    #[serde(default)]
    pub revoked_digest: String,
    /// Those, if the other server does not know the same.
    #[serde(default)]
    pub revocations: Vec<Revocation>,
    /// What time it is there.
    #[serde(default)]
    pub at: Option<String>,
    /// What it says of the fleet quorum.
    #[serde(default)]
    pub letter: Option<Letter>,
}

/// The standby's half of an exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// What it tells of itself.
    #[serde(flatten)]
    pub news: News,
    /// Outcomes of trials that the active server has not noted.
    pub outcomes: Vec<Outcome>,
    /// Events that devices gave it and that the active server does not have.
    #[serde(default)]
    pub events: EventNews,
    /// What operators did at it, and who tried to sign in, that the active server does not have.
    #[serde(default)]
    pub records: OperatorRecords,
}

/// The active server's half.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExchangeReply {
    /// What it tells of itself.
    #[serde(flatten)]
    pub news: News,
    /// Ids of the outcomes that are noted now.
    pub noted: Vec<i64>,
    /// The events are in the database now.
    #[serde(default)]
    pub events_noted: bool,
    /// Which records of the other server's operators it holds, if it is active.
    #[serde(default)]
    pub held: Option<HeldRecords>,
    /// The newest snapshot of the database.
    pub copy: Option<Manifest>,
}

/// A standby asks for the role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StepDown {
    /// The operator who wants it.
    pub(super) by: String,
}

/// The active server gave its role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SteppedDown {
    /// Names the snapshot of everything that it ever wrote, where there are snapshots.
    pub(super) manifest: Option<Manifest>,
    /// The end of its database server's log, where that has one.
    #[serde(default)]
    pub(super) position: Option<u64>,
}

/// An order for a device of the server that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carry {
    /// The device.
    pub(super) device: u32,
    /// What it shall do.
    pub(super) order: Order,
}

/// The device did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carried {
    /// What it found, if it was to try servers.
    pub(super) rows: Vec<ProbeRow>,
}

/// The certificate is on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Renewed {
    /// DER, hexadecimal.
    pub(super) certificate: String,
}

/// Why a server refuses another one's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    /// For the log and the console of the other end.
    pub(super) reason: String,
}
