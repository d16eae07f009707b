//! An operator makes a server active: it takes the role over, or is given it.

use super::{checks::is_of, databases::changes, edits::Draft, model::Edit, world::World};
use crate::pair::console;
use model::{Fault, PromotionInput, Role};
use server::{Service, epoch::EpochToken};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Until a server is seen to be silent, or to be back.
const NOTICED_WITHIN: Duration = Duration::from_secs(8);

/// The server that is asked for its role, and the epoch in which it has it.
struct Giver {
    server: usize,
    service: Arc<Service>,
    epoch: EpochToken,
}

impl World {
    /// Promotes a server, with an account of the other one where that does not answer. `patient` operators wait until the
    /// page shows how things are.
    pub(super) async fn promote(&mut self, server: usize, patient: bool) {
        let service = self.service(server);
        if patient {
            self.await_evidence(&service).await;
        }
        let id = service.identity().server_id.clone();
        let account = service.promotion_evidence(&id).await.unwrap().needs_account;
        let stopped = account.then(|| "said to be off".to_owned());
        let input = PromotionInput { confirm: service.identity().server_name.clone(), stopped };
        let giver = if account { None } else { self.giver(1 - server) };
        let before = service.known_epoch();
        let done = AtomicBool::new(false);
        let promotion = async {
            let outcome = service.promote(&console(), &id, &input).await.map(drop);
            done.store(true, Ordering::Relaxed);
            outcome
        };
        let (outcome, written) = tokio::join!(promotion, write_while(giver.as_ref(), &service, &done));
        self.tell(format!("{server} is made active (account: {account}): {outcome:?}"));
        assert_ne!(outcome, Err(Fault::Internal));
        if let Some(giver) = &giver {
            self.note_written(giver, written);
        }
        if outcome.is_err() {
            return;
        }
        let now = service.known_epoch();
        assert!(now > before && now.server_id == id, "{server} takes {now:?} after {before:?}");
        self.model.granted.push(now);
        let stale = self.machines[server].stale.take();
        if let Some(giver) = giver {
            self.check_given(server, &giver).await;
        } else if let Some(stale) = stale {
            // The operator has decided that an old disk counts.
            self.model.excuse(stale.since, |_| true);
        }
    }

    /// That server, if it has the role.
    fn giver(&self, server: usize) -> Option<Giver> {
        if !self.is_active(server) {
            return None;
        }
        let service = self.service(server);
        let epoch = service.known_epoch();
        Some(Giver { server, service, epoch })
    }

    async fn await_evidence(&self, service: &Service) {
        let begun = Instant::now();
        let id = &service.identity().server_id;
        while begun.elapsed() < NOTICED_WITHIN {
            let evidence = service.promotion_evidence(id).await.unwrap();
            if evidence.others.iter().all(|other| other.reachable == self.can_hear()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn note_written(&mut self, giver: &Giver, marks: Vec<String>) {
        for mark in marks {
            let (server, epoch, step) = (giver.server, giver.epoch.clone(), self.step);
            let action = "provisioning.create";
            self.model.edits.push(Edit { action, mark, server, epoch, step, excused: false });
        }
    }

    /// The role went with all that was written in it.
    async fn check_given(&self, server: usize, giver: &Giver) {
        assert_ne!(giver.service.role(), Role::Active, "{} gave its role and has it", giver.server);
        let mut database = self.machines[server].own_database().await;
        let taken = changes(&mut database).await;
        for edit in self.model.edits_in(giver.server, &giver.epoch) {
            assert!(taken.iter().any(|change| is_of(&edit, change)), "{edit:?} was lost when the role was given");
        }
    }
}

/// Goes on writing to the server that gives its role until that has moved, and watches that two never have it.
async fn write_while(giver: Option<&Giver>, taker: &Service, done: &AtomicBool) -> Vec<String> {
    let mut marks = Vec::new();
    let Some(Giver { service, .. }) = giver else { return marks };
    while !done.load(Ordering::Relaxed) {
        if let Ok(mark) = Draft::String.save(service).await {
            marks.push(mark);
        }
        let roles = [service.role(), taker.role(), service.role()];
        assert_ne!(roles, [Role::Active; 3], "two servers are active while the role moves");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    marks
}
