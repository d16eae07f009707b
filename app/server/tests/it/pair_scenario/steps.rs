//! What may happen, and how likely it is.

use super::{checks::is_of, databases::changes, edits::Draft, machine::Machine, world::World};
use crate::{pair::console, promotion::rejoin};
use gateway::{
    simulator::{Happened, IDENTIFIED},
    wire::DeviceId,
};
use model::{Fault, Role};
use rand::Rng as _;
use std::time::Duration;

/// A copy is there by then, if the line is.
const COPY_PAUSE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Edit,
    Use,
    Copy,
    Kill,
    Start,
    Promote,
    Rejoin,
    Cut,
    Mend,
    Image,
    OldImage,
    RollBack,
    Remove,
    MakeString,
    UseString,
}

impl World {
    /// Lets something happen that can happen now.
    pub(super) async fn step(&mut self) {
        self.step += 1;
        let possible = self.possible();
        let all: u32 = possible.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.rng.random_range(0..all);
        let chosen = possible.into_iter().find(|(_, weight)| match drawn.checked_sub(*weight) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        });
        self.take(chosen.unwrap().0).await;
        self.pause().await;
    }

    fn possible(&self) -> Vec<(Step, u32)> {
        let up = self.servers(Machine::is_up).len();
        let down = 2 - up;
        let active = !self.actives().is_empty();
        let cut = self.machines.iter().any(|machine| !machine.line.is_open());
        let out = (0..2).any(|server| self.role(server) == Some(Role::ReadOnly));
        let steps = [
            (Step::Edit, 6, up > 0),
            (Step::Use, 4, true),
            (Step::Copy, 2, active && self.rare_copies),
            (Step::Kill, 3, up == 2),
            (Step::Kill, 1, up == 1),
            (Step::Start, 5, down > 0),
            (Step::Promote, 4, up > self.actives().len()),
            (Step::Rejoin, 3, out),
            (Step::Cut, 3, !cut),
            (Step::Mend, 3, cut),
            (Step::Image, 2, self.machines.iter().any(can_be_imaged)),
            (Step::OldImage, 2, self.machines.iter().any(Machine::has_image)),
            (Step::RollBack, 1, active && up == 2),
            (Step::Remove, 2, active && !self.removable().is_empty()),
            (Step::MakeString, 1, active),
            (Step::UseString, 2, up > 0 && !self.model.strings.is_empty()),
        ];
        steps.into_iter().filter(|(.., possible)| *possible).map(|(step, weight, _)| (step, weight)).collect()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Edit => self.edit_somewhere().await,
            Step::Use => self.use_a_device().await,
            Step::Copy => self.copy_now().await,
            Step::Kill => self.kill().await,
            Step::Start => {
                let down = self.servers(|machine| !machine.is_up());
                let server = self.any(&down);
                self.start(server).await;
            }
            Step::Promote => {
                let others: Vec<usize> =
                    self.servers(Machine::is_up).into_iter().filter(|server| !self.is_active(*server)).collect();
                let server = self.any(&others);
                let patient = self.rng.random_bool(0.7);
                self.promote(server, patient).await;
            }
            Step::Rejoin => {
                let out: Vec<usize> = (0..2).filter(|server| self.role(*server) == Some(Role::ReadOnly)).collect();
                let server = self.any(&out);
                self.rejoin(server).await;
            }
            Step::Cut => self.cut(),
            Step::Mend => self.mend(),
            Step::Image => {
                let server = self.any(&self.servers(can_be_imaged));
                let step = self.step;
                self.machines[server].take_image(step).await;
                self.tell(format!("an image of {server} is taken"));
            }
            Step::OldImage => {
                let server = self.any(&self.servers(Machine::has_image));
                self.put_image_back(server).await;
            }
            Step::RollBack => self.roll_back().await,
            Step::Remove => self.remove_a_device().await,
            Step::MakeString => self.make_join_string().await,
            Step::UseString => self.use_join_string().await,
        }
    }

    /// Somebody is at a device, more than once.
    async fn use_a_device(&mut self) {
        let (device, count) = (self.some_device(), self.rng.random_range(2..40));
        let user_id = format!("u{}", self.step);
        let happened = Happened { code: IDENTIFIED, user_id: user_id.clone(), count };
        self.fleet.log(DeviceId(device), &happened).await.unwrap();
        let events = self.model.events.entry(device).or_default();
        events.extend((1..=count).map(|n| format!("{user_id}: {n} of {count}")));
        self.tell(format!("{user_id} is at device {device} {count} times"));
    }

    pub(super) async fn copy_now(&mut self) {
        let server = self.any(&self.actives());
        let outcome = self.service(server).copy_now(&console(), &self.machines[server].id).await;
        self.tell(format!("{server} is asked for a copy: {outcome:?}"));
    }

    async fn kill(&mut self) {
        let up = self.servers(Machine::is_up);
        let server = self.any(&up);
        self.tell(format!("{server} is killed"));
        self.machines[server].kill().await;
    }

    pub(super) async fn start(&mut self, server: usize) {
        self.machines[server].start().await;
        self.tell(format!("{server} is started, {:?}", self.role(server)));
    }

    fn cut(&mut self) {
        let which = self.rng.random_range(1..=3);
        for server in (0..2).filter(|server| which & (1 << server) != 0) {
            self.machines[server].line.cut();
            self.tell(format!("the line to {server} is cut"));
        }
    }

    pub(super) fn mend(&mut self) {
        self.machines.iter().for_each(|machine| machine.line.mend());
        self.tell("the lines are mended");
    }

    /// An image of the active server is taken while it runs, and put back after the other one has a copy of something newer.
    async fn roll_back(&mut self) {
        let server = self.any(&self.actives());
        self.machines[server].take_image(self.step).await;
        self.step += 1;
        let Ok(mark) = Draft::String.save(&self.service(server)).await else { return };
        self.answered(server, "provisioning.create", mark);
        self.copy_now().await;
        tokio::time::sleep(COPY_PAUSE).await;
        self.step += 1;
        self.put_image_back(server).await;
    }

    async fn put_image_back(&mut self, server: usize) {
        self.machines[server].kill().await;
        // What the other server has a copy of must not be lost.
        let held = match self.machines[1 - server].copy().await {
            Some(mut copy) => changes(&mut copy).await,
            None => Vec::new(),
        };
        let taken = self.machines[server].put_image_back(self.step);
        self.model.set_back(server, taken, |edit| held.iter().any(|change| is_of(edit, change)));
        self.tell(format!("the disk of {server} is what it was at step {taken}"));
        self.start(server).await;
    }

    /// A server that was overtaken becomes standby.
    pub(super) async fn rejoin(&mut self, server: usize) {
        let outcome = rejoin(self.machines[server].running().unwrap()).await.map(drop);
        assert_ne!(outcome, Err(Fault::Internal), "{server} cannot join again");
        if outcome.is_ok() {
            self.machines[server].stale = None;
        }
        self.tell(format!("{server} joins again: {outcome:?}"));
    }
}

fn can_be_imaged(machine: &Machine) -> bool {
    !machine.has_image()
}
