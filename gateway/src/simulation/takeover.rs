//! Two servers that take over from one another, their devices and the network between them, in virtual time and from one
//! seed: partitions of either direction, crashes, machines that stop or whose clock stands still, images that come back,
//! changes of the electorate, and operators who decide alone.

mod checks;
mod faults;
mod flaw;
mod flaws;
mod machine;
mod peace;
mod scenarios;
mod unit;
mod units;
mod world;

use super::{id_of, secs};
use crate::quorum::{Config, Electorate, Quorum, Start, Stored, Version};
use crate::wire::{Epoch, Role};
use std::rc::Rc;
use std::time::Duration;

/// How often a server asks its devices and the other server.
const TICK: Duration = Duration::from_secs(2);
/// A device gives a silent session up.
const SILENCE: Duration = Duration::from_secs(30);
/// A server does.
const EVICTION: Duration = Duration::from_secs(45);

/// Server 0 or 1, in the installation.
fn server_id(id: usize) -> &'static str {
    ["s0", "s1"][id]
}

fn electorate(members: usize) -> Electorate {
    let members = (0..members).map(id_of).collect();
    Electorate { version: Version { epoch: 1, number: 1 }, automatic: false, members }
}
