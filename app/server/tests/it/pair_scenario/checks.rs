//! What must hold after every step.

use super::{
    databases::{Change, changes},
    edits::Draft,
    machine::Machine,
    model::Edit,
    world::{World, within},
};
use model::{Fault, Role};
use std::time::Duration;

/// A server that can hear the one that was made active after it steps down.
const STEPS_DOWN_WITHIN: Duration = Duration::from_secs(15);

pub(super) fn is_of(edit: &Edit, change: &Change) -> bool {
    let after = change.after.as_deref().unwrap_or_default();
    edit.action == change.action && (change.subject.contains(&edit.mark) || after.contains(&edit.mark))
}

impl World {
    pub(super) async fn check(&mut self) {
        for server in self.servers(Machine::is_up) {
            self.check_epoch(server);
            match self.role(server) {
                Some(Role::Active) => self.check_active(server).await,
                Some(Role::Standby | Role::ReadOnly) => self.check_idle(server).await,
                None => {}
            }
        }
        if self.machines.iter().all(|machine| machine.is_up() && machine.line.is_open()) {
            within(STEPS_DOWN_WITHIN, "one of two active servers steps down", async || self.actives().len() < 2).await;
        }
    }

    fn check_epoch(&mut self, server: usize) {
        let epoch = self.service(server).known_epoch();
        if let Some(met) = &self.model.met[server] {
            assert!(epoch >= *met, "{server} forgot an epoch");
        }
        assert!(self.model.granted.contains(&epoch), "nobody began {epoch:?}");
        self.model.met[server] = Some(epoch);
    }

    /// It has its own epoch, no copy, and all that it answered since that began; but for what an old image lacks, as long as it
    /// has not heard the other server.
    async fn check_active(&mut self, server: usize) {
        let service = self.service(server);
        let epoch = service.known_epoch();
        let shown =
            service.list_servers().await.unwrap().into_iter().find(|shown| shown.id == self.machines[server].id);
        let mut database = self.machines[server].own_database().await;
        let held = changes(&mut database).await;
        if service.role() != Role::Active || service.known_epoch() != epoch {
            return; // It has just heard of another one.
        }
        assert_eq!(epoch.server_id, self.machines[server].id, "{server} is active in the epoch of another server");
        assert_eq!(shown.unwrap().copy_taken_at, None, "{server} is active and works with a copy");
        let stale = self.machines[server].stale;
        let away = |edit: &Edit| stale.is_some_and(|stale| stale.since < edit.step && edit.step < stale.until);
        for edit in self.model.edits_in(server, &epoch).into_iter().filter(|edit| !away(edit)) {
            let count = held.iter().filter(|change| is_of(&edit, change)).count();
            assert_eq!(count, 1, "{server} is active and answered {edit:?}");
        }
    }

    /// It accepts nothing.
    async fn check_idle(&mut self, server: usize) {
        let service = self.service(server);
        let outcome = Draft::String.save(&service).await;
        match (outcome, service.role()) {
            (Err(fault), Role::Standby | Role::ReadOnly) => {
                assert!(matches!(fault, Fault::NotActive { .. }), "{server}: {fault:?}");
            }
            (Ok(mark), Role::Standby | Role::ReadOnly) => panic!("{server} is not active and accepted {mark}"),
            // It was told meanwhile that it still is.
            (Ok(mark), Role::Active) => self.answered(server, "provisioning.create", mark),
            (Err(_), Role::Active) => {}
        }
    }
}
