//! Join strings: good once, and only where they were made.

use super::{machine::Machine, model::Issued, world::World};
use crate::pair::console;
use gateway::{authority::ServerKey, enrolment::key_fingerprint};
use rand::Rng as _;
use server::{
    Service,
    cluster::join_string::JoinString,
    interfaces::peers::{Applicant, JoinError, join},
};
use std::time::Duration;
use tokio::{sync::Notify, time::timeout};

/// Who waits for an operator is told within two questions.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);

impl World {
    pub(super) async fn make_join_string(&mut self) {
        let by = self.any(&self.actives());
        let service = self.service(by);
        let outcome = service.create_join_string(&console()).await;
        self.tell(format!("a join string is made on {by}: {}", outcome.is_ok()));
        let Ok(text) = outcome else { return };
        let string: JoinString = text.parse().unwrap();
        self.answered(by, "join_string.create", string.id);
        self.model.strings.push(Issued { text, by, epoch: service.known_epoch(), used: false });
    }

    /// Somebody comes with a string, to any server, and is sent away if there is anything to decide.
    pub(super) async fn use_join_string(&mut self) {
        let chosen = self.rng.random_range(0..self.model.strings.len());
        let server = self.any(&self.servers(Machine::is_up));
        let issued = self.model.strings[chosen].clone();
        let here = vec![self.machines[server].peers_addr().to_string()];
        let string = JoinString { addresses: here, ..issued.text.parse().unwrap() };
        let service = self.service(server);
        let mine = issued.by == server && self.is_active(server) && service.known_epoch() == issued.epoch;
        let (outcome, heard) = come_with(&string, &service).await;
        let mine = mine && self.is_active(server) && service.known_epoch() == issued.epoch;
        self.tell(format!("a join string of {} is used on {server}: waited {heard}, {outcome:?}", issued.by));
        assert!(outcome.is_err(), "nobody confirmed it");
        if heard {
            assert!(issued.by == server && !issued.used, "the string of {} (used: {}) is good", issued.by, issued.used);
            self.model.strings[chosen].used = true;
        } else {
            assert!(!mine || issued.used, "its own string is not taken: {outcome:?}");
        }
    }
}

/// Says what the bearer was told, and whether it had to wait for an operator, who said no.
async fn come_with(string: &JoinString, service: &Service) -> (Result<(), String>, bool) {
    let request = ServerKey::generate().unwrap().request().unwrap();
    let fingerprint = key_fingerprint(&request).unwrap().to_string();
    let addresses = ["127.0.0.1:9".to_owned()];
    let applicant =
        Applicant { server_id: "newcomer", name: None, certificate_request: &request, addresses: &addresses };
    let asks = Notify::new();
    let text = string.to_string();
    let joining = timeout(ANSWERED_WITHIN, join(&text, applicant, |_| asks.notify_one()));
    let rejecting = async {
        asks.notified().await;
        service.reject_newcomer(&console(), &fingerprint).await.is_ok()
    };
    let mut heard = None;
    tokio::pin!(joining);
    let outcome = tokio::select! {
        outcome = &mut joining => outcome,
        rejected = rejecting => {
            heard = Some(rejected);
            joining.await
        }
    };
    let outcome = outcome.map_or_else(|_| Err("nobody decided".to_owned()), |outcome| told(outcome.map(drop)));
    (outcome, heard.is_some())
}

fn told(outcome: Result<(), JoinError>) -> Result<(), String> {
    outcome.map_err(|error| error.to_string())
}
