//! One device with its disk, and the connections that it has or is making.

use super::*;

pub(super) struct Door {
    pub(super) device: Device,
    pub(super) disk: Stored,
    config: Config,
    number: usize,
    boots: u64,
}

impl Door {
    pub(super) fn new(number: usize, list: ServerList, config: &Config, seed: u64, now: Duration) -> Self {
        let disk = Stored::new(list, 0);
        let device = Device::new(config.clone(), info(number), (disk.clone(), ring()), seed, seed, now);
        Self { device, disk, config: config.clone(), number, boots: seed }
    }

    /// Power off and on; only the disk survives.
    pub(super) fn restart(&mut self, now: Duration) {
        self.boots += 1000;
        let durable = (self.disk.clone(), ring());
        self.device = Device::new(self.config.clone(), info(self.number), durable, self.boots, self.boots, now);
    }

    /// The next thing that concerns others; what only concerns the disk is done at once.
    pub(super) fn poll(&mut self, now: Duration) -> Option<DeviceOutput> {
        loop {
            match self.device.poll_output()? {
                DeviceOutput::Persist(write, stored) => {
                    self.disk = *stored;
                    self.device.handle_input(Input::Persisted(write), now);
                }
                DeviceOutput::ReadEvents(from, _) => {
                    self.device.handle_input(Input::EventsRead(ring(), from, Vec::new()), now);
                }
                DeviceOutput::Log(..)
                | DeviceOutput::RenewRing
                | DeviceOutput::RequestCertificate(_)
                | DeviceOutput::KeepCertificate(..)
                | DeviceOutput::Note(_) => {}
                other @ (DeviceOutput::Dial(..)
                | DeviceOutput::Probe(..)
                | DeviceOutput::Send(..)
                | DeviceOutput::HangUp(_)) => return Some(other),
            }
        }
    }

    /// The server that it is connected to, as it sees it.
    pub(super) fn server(&self) -> Option<usize> {
        match self.device.activity() {
            crate::device::Activity::Connected(connected) => Some(usize::from(connected.entry.port) - 50_000),
            crate::device::Activity::Waiting
            | crate::device::Activity::Dialling(_)
            | crate::device::Activity::Stopped => None,
        }
    }
}

/// Events have a simulation of their own.
fn ring() -> RingSpan {
    RingSpan { ring: RingId([1; 16]), oldest: 1, newest: 0, replaces: None }
}
