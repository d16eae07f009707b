//! An operator makes a server active: it takes the role over, or is given it.

use super::{books::changes, checks::is_of, edits::Draft, world::World};
use crate::pair::console;
use app::{
    model::{Fault, PromotionInput, Role},
    server::service::Service,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Until a server is seen to be silent, or to be back.
const NOTICED_WITHIN: Duration = Duration::from_secs(8);

impl World {
    /// Promotes a server, with an account of the other one where that does not answer. `patient` operators wait until the
    /// page shows how things are.
    pub(super) async fn promote(&mut self, server: usize, patient: bool) {
        let service = self.service(server);
        if patient {
            self.await_evidence(&service).await;
        }
        let id = service.site().server_id.clone();
        let account = service.promotion_evidence(&id).await.unwrap().needs_account;
        let stopped = account.then(|| "said to be off".to_owned());
        let input = PromotionInput { confirm: service.site().server_name.clone(), stopped };
        let other = 1 - server;
        let giver = self.machines[other].service().filter(|_| !account && self.is_active(other)).cloned();
        let (before, theirs) = (service.known_epoch(), giver.as_ref().map(|giver| giver.known_epoch()));
        let done = AtomicBool::new(false);
        let promotion = async {
            let outcome = service.promote(&console(), &id, &input).await.map(drop);
            done.store(true, Ordering::Relaxed);
            outcome
        };
        let (outcome, written) = tokio::join!(promotion, write_while(giver.clone(), &service, &done));
        self.tell(format!("{server} is made active (account: {account}): {outcome:?}"));
        assert_ne!(outcome, Err(Fault::Internal));
        for mark in written {
            self.answered_in(other, theirs.clone().unwrap(), mark);
        }
        if outcome.is_err() {
            return;
        }
        let now = service.known_epoch();
        assert!(now > before && now.server_id == id, "{server} takes {now:?} after {before:?}");
        self.model.granted.push(now);
        if let (Some(giver), Some(theirs)) = (giver, theirs) {
            assert_ne!(giver.role(), Role::Active, "{other} gave its role and has it");
            let mut book = self.machines[server].own_book().await;
            let taken = changes(&mut book).await;
            for edit in self.model.edits_in(other, &theirs) {
                assert!(taken.iter().any(|change| is_of(&edit, change)), "{edit:?} was lost when the role was given");
            }
            self.machines[server].stale_since = None;
        } else if let Some(step) = self.machines[server].stale_since.take() {
            // The operator has decided that an old disk counts.
            self.model.excuse(step, |_| true);
        }
    }

    async fn await_evidence(&self, service: &Service) {
        let begun = Instant::now();
        let id = &service.site().server_id;
        while begun.elapsed() < NOTICED_WITHIN {
            let evidence = service.promotion_evidence(id).await.unwrap();
            if evidence.others.iter().all(|other| other.reachable == self.can_hear()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn answered_in(&mut self, server: usize, epoch: app::server::roles::EpochToken, mark: String) {
        let (action, step) = ("provisioning.create", self.step);
        self.model.edits.push(super::model::Edit { action, mark, server, epoch, step, excused: false });
    }
}

/// Goes on writing to the server that gives its role until it refuses, and watches that two never have it.
async fn write_while(giver: Option<Arc<Service>>, taker: &Service, done: &AtomicBool) -> Vec<String> {
    let mut marks = Vec::new();
    let Some(giver) = giver else { return marks };
    while !done.load(Ordering::Relaxed) {
        match Draft::String.save(&giver).await {
            Ok(mark) => marks.push(mark),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
        let roles = [giver.role(), taker.role(), giver.role()];
        assert_ne!(roles, [Role::Active; 3], "two servers are active while the role moves");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    marks
}
