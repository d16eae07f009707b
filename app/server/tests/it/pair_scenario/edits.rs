//! Edits, on the server that should take them and on the one that must not.

use super::{machine::Machine, model::Edit, world::World};
use crate::pair::console;
use model::{EntryInput, Fault, ProvisioningInput, Role};
use rand::Rng as _;
use server::Service;
use std::net::SocketAddr;

/// An edit, and what marks it in the audit trail.
pub(super) enum Draft {
    Name { device: u32, name: String },
    List { device: u32, rows: Vec<EntryInput>, mark: String },
    String,
}

impl Draft {
    fn action(&self) -> &'static str {
        match self {
            Self::Name { .. } => "device.rename",
            Self::List { .. } => "device.servers.replace",
            Self::String => "provisioning.create",
        }
    }

    /// Makes it on a server; the answer is its mark.
    pub(super) async fn save(self, service: &Service) -> Result<String, Fault> {
        match self {
            Self::Name { device, name } => {
                service.rename_device(&console(), device, &name).await?;
                Ok(format!("\"{name}\""))
            }
            Self::List { device, rows, mark } => {
                let base = service.find_servers(device).await?.revision;
                service.replace_servers(&console(), device, base, rows).await?;
                Ok(format!("\"{mark}\""))
            }
            Self::String => {
                let input = ProvisioningInput { uses: 1, expires_in_seconds: 600, addresses: Vec::new() };
                Ok(service.create_provisioning_string(&console(), input).await?.id)
            }
        }
    }
}

impl World {
    pub(super) async fn edit_somewhere(&mut self) {
        let actives = self.actives();
        let up = self.servers(Machine::is_up);
        let server = if actives.is_empty() || self.rng.random_bool(0.2) { self.any(&up) } else { self.any(&actives) };
        let draft = self.draft();
        self.edit(server, draft).await;
    }

    fn draft(&mut self) -> Draft {
        let device = self.some_device();
        match self.rng.random_range(0..3) {
            0 => Draft::Name { device, name: format!("Door {device} of step {}", self.step) },
            1 => self.draft_of_list(device),
            _ => Draft::String,
        }
    }

    /// Both servers in any order, and one that is nowhere and marks the list.
    fn draft_of_list(&mut self, device: u32) -> Draft {
        let mut gateways = [0, 1].map(|server: usize| self.machines[server].gateway());
        if self.rng.random_bool(0.5) {
            gateways.reverse();
        }
        let mark = format!("127.127.0.{}", self.step);
        let nowhere: SocketAddr = format!("{mark}:9").parse().unwrap();
        Draft::List { device, rows: crate::device::rows(&[gateways[0], gateways[1], nowhere]), mark }
    }

    /// Only an active server may accept it, and it does.
    pub(super) async fn edit(&mut self, server: usize, draft: Draft) {
        let service = self.service(server);
        let action = draft.action();
        let (role, epoch) = (service.role(), service.known_epoch());
        let outcome = draft.save(&service).await;
        let roles = [role, service.role()];
        self.tell(format!("{action} on {server} {roles:?} {}: {outcome:?}", epoch.number));
        match outcome {
            Ok(mark) => {
                assert!(roles.contains(&Role::Active), "an edit was accepted by {server}, which is {roles:?}");
                self.answered(server, action, mark);
            }
            // A device may have brought another list meanwhile.
            Err(Fault::Conflict { .. }) if action == "device.servers.replace" => {}
            Err(fault) => assert_ne!(roles, [Role::Active; 2], "{server} is active and refuses an edit: {fault:?}"),
        }
    }

    /// A server has answered an edit.
    pub(super) fn answered(&mut self, server: usize, action: &'static str, mark: String) {
        let epoch = self.service(server).known_epoch();
        assert!(self.model.granted.contains(&epoch), "{server} accepts edits in {epoch:?}, which nobody gave it");
        self.model.edits.push(Edit { action, mark, server, epoch, step: self.step, excused: false });
    }

    pub(super) async fn remove_a_device(&mut self) {
        let (server, removable) = (self.any(&self.actives()), self.removable());
        let device = removable[self.rng.random_range(0..removable.len())];
        let service = self.service(server);
        let outcome = service.remove_device(&console(), device).await;
        self.tell(format!("device {device} is removed on {server}: {outcome:?}"));
        if outcome.is_ok() {
            self.model.removed.insert(device);
            self.answered(server, "device.remove", format!("device {device}"));
        }
    }
}
