//! How another server comes to belong to the installation.

use super::{
    join_messages::{JoinAnswer, JoinReply, JoinRequest},
    join_string::{JoinString, proof_holds},
    newcomers::Asked,
    peer_board::ServerFacts,
    starts::Start,
    store::{NewServer, Used},
};
use crate::{
    Service,
    actor::Actor,
    changes::Change,
    clock::text_of,
    db::{AuditEntry, StoreError},
};
use gateway::{
    authority::{AuthorityError, SignedServer},
    enrolment::{KeyFingerprint, key_fingerprint},
};
use model::{Fault, Newcomer, Role, ServerObstacle};
use serde_json::json;
use std::time::Instant;
use time::Duration;

/// How long a join string is good.
const JOIN_STRING_LIFE: Duration = Duration::minutes(15);
const MAX_NAME_CHARACTERS: usize = 48;
const MAX_ADDRESSES: usize = 8;
const MAX_ID_BYTES: usize = 64;

/// Why a newcomer is not let in; its text is what both ends are told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinRefusal {
    #[error("this join string was not made here; use it with the server that made it")]
    Unknown,
    #[error("this join string was used already; make another with `portal join-string`")]
    Used,
    #[error("this join string has expired (they last 15 minutes); make another with `portal join-string`")]
    Expired,
    #[error("this join string was made before the active role last moved; make another with `portal join-string`")]
    Past,
    #[error("the join string's secret does not fit; copy the whole string again")]
    WrongProof,
    #[error("{0}")]
    BadRequest(&'static str),
    #[error("an operator rejected this server")]
    Rejected,
    #[error("too many servers ask to join at once; try again in a moment")]
    Crowded,
    #[error(transparent)]
    Key(#[from] AuthorityError),
    #[error("a server with this id belongs to the installation already")]
    Exists,
    #[error("this server is standby and lets nobody in; make the join string on the active server")]
    NotActive,
    #[error("the server that made the join string cannot let anybody in right now: {0}")]
    Failed(Fault),
}

impl From<StoreError> for JoinRefusal {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Exists(_)) { Self::Exists } else { Self::Failed(error.into()) }
    }
}

impl Service {
    /// Makes a string with which one new server can join within 15 minutes, here.
    ///
    /// # Errors
    ///
    /// On a standby, while the servers' listener is not up, or when the database cannot be written.
    pub async fn create_join_string(&self, actor: &Actor) -> Result<String, Fault> {
        self.require_active().await?;
        let addresses = self.peers.own_addresses();
        if addresses.is_empty() {
            return Err(ServerObstacle::PeersNotListening.into());
        }
        let string = JoinString {
            id: format!("{:016x}", rand::random::<u64>()),
            authority_fingerprint: self.keys.authority().fingerprint(),
            secret: rand::random(),
            addresses,
        };
        let now = self.clock.now();
        let row = super::store::JoinString {
            id: string.id.clone(),
            secret: string.secret.to_vec(),
            expires_at: text_of(now + JOIN_STRING_LIFE),
            used_at: None,
            server_id: self.identity.server_id.clone(),
            created_by: actor.login.clone(),
        };
        let audit = AuditEntry {
            at: text_of(now),
            operator: actor.login.clone(),
            peer: actor.peer.clone(),
            action: "join_string.create",
            subject: format!("join string {}", row.id),
            before: None,
            after: Some(json!({ "expires_at": row.expires_at })),
        };
        self.store.insert_join_string(&row, &audit).await?;
        self.changed(Change::Database);
        Ok(string.to_string())
    }

    /// A newcomer asks. One that knows the secret of an unused join string of this server waits for an operator; once
    /// its key is confirmed it is let in.
    pub(crate) async fn join(
        &self,
        request: JoinRequest,
        binding: &[u8],
        peer: String,
    ) -> Result<JoinAnswer, JoinRefusal> {
        let (string, fingerprint) = self.check_join(&request, binding).await?;
        let newcomer = Newcomer {
            fingerprint: fingerprint.to_string(),
            name: request.server_name.as_deref().map(check_name).transpose()?,
            peer: peer.clone(),
            first_seen: self.clock.now_text(),
        };
        let waiting = || JoinAnswer::Waiting { server_name: self.identity.server_name.clone() };
        match self.newcomers.ask(newcomer.clone(), &string.id, Instant::now()) {
            Asked::New => {
                tracing::info!(%fingerprint, peer, "a server asks to join; an operator has to confirm it");
                self.changed(Change::Server);
                Ok(waiting())
            }
            Asked::Waiting => Ok(waiting()),
            Asked::Confirmed(operator) => {
                let by = Actor { login: operator.login, peer: Some(peer) };
                let reply = self.let_in(request, newcomer, &string, by).await?;
                Ok(JoinAnswer::Welcome(Box::new(reply)))
            }
            Asked::In(reply) => Ok(JoinAnswer::Welcome(reply)),
            Asked::Rejected => Err(JoinRefusal::Rejected),
            Asked::Crowded => Err(JoinRefusal::Crowded),
        }
    }

    async fn let_in(
        &self,
        request: JoinRequest,
        newcomer: Newcomer,
        string: &super::store::JoinString,
        by: Actor,
    ) -> Result<JoinReply, JoinRefusal> {
        let own = self.own_facts();
        let name = match newcomer.name {
            Some(name) => name,
            None => format!("BioStar Server #{}", self.store.all_servers().await?.len() + 1),
        };
        let key = hex::decode(&request.certificate_request).unwrap_or_default();
        let authority = self.keys.authority();
        let SignedServer { certificate_pem, serial } =
            authority.issue_requested_server(&key, &request.server_id, self.clock.now())?;
        let serial = hex::encode(serial);
        let server = NewServer { id: &request.server_id, name: &name, certificate_serial: &serial };
        let audit = AuditEntry {
            at: self.clock.now_text(),
            operator: by.login,
            peer: by.peer,
            action: "server.join",
            subject: format!("server {}", request.server_id),
            before: None,
            after: Some(json!({ "name": name, "join_string": string.id, "fingerprint": newcomer.fingerprint })),
        };
        match self.store.admit_server(&string.id, server, &audit).await? {
            Used::Now => {}
            Used::Before => return Err(JoinRefusal::Used),
        }
        let others =
            self.peers.peers().into_iter().map(|peer| peer.facts).filter(|facts| facts.id != request.server_id);
        let servers = std::iter::once(own.clone()).chain(others).collect();
        // Where it answers is known before it calls for the first time.
        self.peers.remember(ServerFacts {
            id: request.server_id.clone(),
            name: name.clone(),
            role: Role::Standby,
            epoch: own.epoch.clone(),
            addresses: request.addresses,
            copy_taken_at: None,
            copy: None,
            replication: None,
            start: Start::default(),
        });
        tracing::info!(server = request.server_id, name, "a server joined the installation");
        let reply = JoinReply {
            installation_id: self.identity.installation_id.clone(),
            server_name: name,
            authority_certificate: authority.certificate_pem().to_owned(),
            authority_key: authority.key_pem(),
            server_certificate: certificate_pem,
            token_key: hex::encode(self.keys.token_secret()),
            servers,
        };
        self.newcomers.let_in(&newcomer.fingerprint, reply.clone());
        self.changed(Change::Server);
        self.changed(Change::Database);
        Ok(reply)
    }

    /// The join string, if the request is one that may be granted. One that proves nothing learns nothing of it.
    async fn check_join(
        &self,
        request: &JoinRequest,
        binding: &[u8],
    ) -> Result<(super::store::JoinString, KeyFingerprint), JoinRefusal> {
        self.require_active().await.map_err(|_| JoinRefusal::NotActive)?;
        let string = self.store.find_join_string(&request.string_id).await?.ok_or(JoinRefusal::Unknown)?;
        if string.server_id != self.identity.server_id {
            return Err(JoinRefusal::Unknown);
        }
        let key = hex::decode(&request.certificate_request).map_err(|_| JoinRefusal::WrongProof)?;
        let proof = hex::decode(&request.proof).map_err(|_| JoinRefusal::WrongProof)?;
        if !proof_holds(&string.secret, binding, &key, &request.server_id, &proof) {
            return Err(JoinRefusal::WrongProof);
        }
        let fingerprint = key_fingerprint(&key)?;
        if string.used_at.is_some() && !self.newcomers.knows(&fingerprint.to_string()) {
            return Err(JoinRefusal::Used);
        }
        // Whether an older one was used may be on record elsewhere alone.
        if !self.store.is_join_string_of_this_epoch(&string.id).await? {
            return Err(JoinRefusal::Past);
        }
        if string.expires_at <= self.clock.now_text() {
            return Err(JoinRefusal::Expired);
        }
        if !is_server_id(&request.server_id) {
            return Err(JoinRefusal::BadRequest("a server's id is 1 to 64 letters, digits, hyphens or underscores"));
        }
        if request.addresses.is_empty() || request.addresses.len() > MAX_ADDRESSES {
            return Err(JoinRefusal::BadRequest("a server says where it answers, at 1 to 8 addresses"));
        }
        Ok((string, fingerprint))
    }
}

fn is_server_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn check_name(name: &str) -> Result<String, JoinRefusal> {
    let name = name.trim();
    let fits = (1..=MAX_NAME_CHARACTERS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(JoinRefusal::BadRequest("a server's name has 1 to 48 characters, none of them control characters"))
    }
}
