//! What servers say to one another, as JSON over mutual TLS.

use super::ServerFacts;
use crate::{
    cluster::{quorum::Letter, starts::Start, store::Revocation},
    db::{DatabaseFacts, Manifest},
    fleet::store::{EventNews, Outcome, Sighting},
    people::store::{HeldRecords, OperatorRecords},
};
use model::{ProbeRow, ServerEntry};
use serde::{Deserialize, Serialize};

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

/// A newcomer's request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The join string's public part.
    pub string_id: String,
    /// Knows the secret, on this channel; hexadecimal.
    pub proof: String,
    /// The id it made for itself.
    pub server_id: String,
    /// PKCS #10 over the key it made, DER, hexadecimal; the proof covers it.
    pub certificate_request: String,
    /// The name it wants; `None` leaves that to the installation.
    pub server_name: Option<String>,
    /// `address:port` where it will answer other servers.
    pub addresses: Vec<String>,
}

/// What a newcomer is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JoinAnswer {
    /// An operator has to compare fingerprints; ask again in a second.
    Waiting {
        /// The server that asks its operator.
        server_name: String,
    },
    /// Confirmed.
    Welcome(Box<JoinReply>),
}

/// All that makes a newcomer a server. Secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinReply {
    /// The installation it belongs to now.
    pub installation_id: String,
    /// Its name.
    pub server_name: String,
    /// The authority's certificate, PEM.
    pub authority_certificate: String,
    /// The authority's key: PKCS #8, PEM.
    pub authority_key: String,
    /// The newcomer's certificate, PEM.
    pub server_certificate: String,
    /// What access tokens are signed with, hexadecimal.
    pub token_key: String,
    /// The servers that are there already.
    pub servers: Vec<ServerFacts>,
}

impl std::fmt::Debug for JoinReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinReply").field("installation_id", &self.installation_id).finish_non_exhaustive()
    }
}

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

/// What a connected device shall do at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Try servers from its own network.
    Probe {
        /// Which.
        entries: Vec<ServerEntry>,
    },
    /// Go to another server of its list.
    Move {
        /// Which.
        to: ServerEntry,
        /// How long it stays; 0 for good.
        ttl_seconds: u32,
    },
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

/// A device that is connected to the caller wants another certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// The device.
    pub device: u32,
    /// Serial number of the certificate that it showed, lower-case hex.
    pub shown: String,
    /// PKCS #10 over its key, DER, hexadecimal.
    pub certificate_request: String,
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
