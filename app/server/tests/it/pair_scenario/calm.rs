//! The end of a scenario: all is mended, whoever was overtaken joins again, and both servers must hold the same, all of it.

use super::{
    checks::is_of,
    databases::{Change, SHARED, changes, revoked, rows},
    machine::Machine,
    world::{World, device_ids, within},
};
use crate::event_scenario::uses_of;
use gateway::simulator::Doing;
use model::{PushState, Role};
use std::time::{Duration, Instant};

const CALM_WITHIN: Duration = Duration::from_secs(90);
/// A server that was active before and is sure of it again would be so by now.
const LEADERLESS: Duration = Duration::from_secs(8);
/// A device that is on a standby looks for the active server every so often.
const LISTED_WITHIN: Duration = Duration::from_secs(60);
const SAME_WITHIN: Duration = Duration::from_secs(60);

impl World {
    /// Lets operators do what they would until one server is active and the other follows it.
    pub(super) async fn heal(&mut self) {
        self.step += 1;
        self.mend();
        for server in self.servers(|machine| !machine.is_up()) {
            self.start(server).await;
        }
        let begun = Instant::now();
        let mut led = Instant::now();
        while !self.is_calm() {
            assert!(begun.elapsed() < CALM_WITHIN, "the servers do not come to rest");
            match self.actives()[..] {
                [] if led.elapsed() > LEADERLESS => {
                    let server = self.any(&[0, 1]);
                    self.promote(server, true).await;
                }
                [] => {}
                [active] => {
                    led = Instant::now();
                    if self.role(1 - active) == Some(Role::ReadOnly) {
                        self.rejoin(1 - active).await;
                    }
                }
                _ => led = Instant::now(),
            }
            self.check().await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn is_calm(&self) -> bool {
        let [one, two] = [0, 1].map(|server| self.service(server));
        let roles = [one.role(), two.role()];
        let settled = [[Role::Active, Role::Standby], [Role::Standby, Role::Active]].contains(&roles);
        settled && one.known_epoch() == two.known_epoch()
    }

    pub(super) async fn check_the_end(&mut self) {
        let active = self.actives()[0];
        for device in self.devices_there() {
            self.check_list(active, device).await;
        }
        for device in self.model.removed.clone() {
            self.check_removed(device).await;
        }
        self.check_same(active).await;
        for device in device_ids() {
            self.check_events(active, device).await;
        }
        self.check_edits(active).await;
        assert!(self.is_calm(), "it did not last");
    }

    /// The device keeps the wanted list, or the page says why it does not.
    async fn check_list(&self, active: usize, device: u32) {
        let service = self.service(active);
        let forked = self.model.granted.len() > 1;
        within(LISTED_WITHIN, &format!("the list of {device} has arrived, or differs for a reason"), async || {
            let servers = service.find_servers(device).await.unwrap();
            let state = servers.push.map(|push| push.state);
            let explained = matches!(state, Some(PushState::Drifted | PushState::Conflict)) && forked;
            let kept = servers.committed.is_some_and(|kept| kept.entries == servers.entries);
            servers.connected.is_some() && state.is_some_and(PushState::is_final) && (kept || explained)
        })
        .await;
    }

    /// Both servers know that the device is not let in, and it is not.
    async fn check_removed(&self, device: u32) {
        within(SAME_WITHIN, &format!("{device} is out on both servers"), async || {
            for machine in &self.machines {
                let copy =
                    if self.is_standby(machine) { machine.copy().await } else { Some(machine.own_database().await) };
                let Some(mut database) = copy else { return false };
                let (mut known, mut local) = (revoked(&mut database).await, machine.local().await);
                known.extend(revoked(&mut local).await);
                if !known.contains(&device.to_string()) {
                    return false;
                }
            }
            self.fleet.states().iter().all(|state| state.device_id != device || state.doing != Doing::Connected)
        })
        .await;
    }

    fn is_standby(&self, machine: &Machine) -> bool {
        machine.service().is_some_and(|service| service.role() == Role::Standby)
    }

    /// Each event is there once, in order; of a device that was removed up to some event.
    async fn check_events(&self, active: usize, device: u32) {
        let happened = self.model.events.get(&device).cloned().unwrap_or_default();
        if !self.model.removed.contains(&device) {
            for server in 0..2 {
                within(SAME_WITHIN, &format!("all events of {device} are on {server}"), async || {
                    uses_of(&self.service(server), device).await.len() >= happened.len()
                })
                .await;
                assert_eq!(uses_of(&self.service(server), device).await, happened, "{device} on {server}");
            }
            return;
        }
        let shown = uses_of(&self.service(active), device).await;
        assert!(happened.starts_with(&shown), "{device}: {shown:?} of {happened:?}");
    }

    /// The standby's copy is the active server's database.
    async fn check_same(&mut self, active: usize) {
        let begun = Instant::now();
        loop {
            if self.rare_copies {
                self.copy_now().await;
            }
            tokio::time::sleep(Duration::from_millis(1500)).await;
            let difference = self.difference(active).await;
            let Some(difference) = difference else { return };
            assert!(begun.elapsed() < SAME_WITHIN, "the copy is not the database: {difference}");
        }
    }

    async fn difference(&self, active: usize) -> Option<String> {
        let mut database = self.machines[active].own_database().await;
        let Some(mut copy) = self.machines[1 - active].copy().await else { return Some("no copy".to_owned()) };
        for table in SHARED {
            let (theirs, ours) = (rows(&mut database, table).await, rows(&mut copy, table).await);
            if theirs != ours {
                return Some(format!("{table}: {theirs:#?} and {ours:#?}"));
            }
        }
        None
    }

    /// What was answered is in the database, or listed by the server that wrote it alone.
    async fn check_edits(&self, active: usize) {
        let mut database = self.machines[active].own_database().await;
        let kept = changes(&mut database).await;
        let mut lone = Vec::new();
        for server in 0..2 {
            lone.push(self.service(server).list_divergent_changes().await.unwrap());
        }
        for edit in &self.model.edits {
            let in_database = kept.iter().filter(|change| is_of(edit, change)).count();
            let listed = [0, 1].map(|server: usize| {
                let changes = lone[server].iter().map(|write| Change {
                    action: write.action.clone(),
                    subject: write.subject.clone(),
                    after: write.after.clone(),
                });
                changes.filter(|change| is_of(edit, change)).count()
            });
            let by_it = in_database + listed[edit.server];
            if edit.excused {
                assert!(in_database <= 1, "{edit:?} is there {in_database} times");
            } else {
                assert_eq!(
                    (by_it, listed[1 - edit.server]),
                    (1, 0),
                    "{edit:?}: {in_database} in the database, listed {listed:?}"
                );
            }
        }
    }
}
