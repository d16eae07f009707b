//! One device, as far as it matters here: its session, and an epoch that never goes back.

use super::*;

#[derive(Debug)]
pub(super) struct Unit {
    /// On disk.
    pub(super) epoch: Rc<Epoch>,
    /// The latest start of each server, on disk.
    pub(super) starts: [Option<Start>; 2],
    /// The machine and the session.
    pub(super) at: Option<(usize, u64)>,
    pub(super) heard: Duration,
    pub(super) next: usize,
    /// Where it is sent, whatever is there.
    pub(super) sent_to: Option<usize>,
}

impl Unit {
    pub(super) fn new() -> Self {
        let epoch = Epoch { number: 1, server_id: server_id(0).to_owned(), seal: Vec::new() };
        Self { epoch: Rc::new(epoch), starts: [None; 2], at: None, heard: Duration::ZERO, next: 0, sent_to: None }
    }

    pub(super) fn learn(&mut self, epoch: &Rc<Epoch>, id: usize, start: Start, forgets: bool) {
        if *epoch > self.epoch || forgets {
            self.epoch = Rc::clone(epoch);
        }
        self.starts[id] = self.starts[id].max(Some(start));
    }
}
