//! What two servers tell each other of the fleet quorum, with every exchange.

use super::{file::KeptElectorate, from_the_wire, on_the_wire};
use crate::epoch::EpochToken;
use gateway::quorum::{self, Electorate, Start, Version};
use model::Role;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// [`quorum::Letter`] as it travels: without the electorate's members, if the reader has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    nonce: u64,
    echo: Option<u64>,
    epoch: EpochToken,
    role: Role,
    start: (u64, u64),
    seen: Option<(u64, u64)>,
    electorate: Option<KeptElectorate>,
    stored: (u64, u64),
    /// How long an answer counts at the writer's, milliseconds.
    hold_ms: u64,
}

impl Letter {
    pub(super) fn new(letter: &quorum::Letter, hold: Duration) -> Self {
        Self {
            nonce: letter.nonce,
            echo: letter.echo,
            epoch: letter.epoch.clone().into(),
            role: from_the_wire(letter.role),
            start: (letter.start.number, letter.start.incarnation),
            seen: letter.seen.map(|start| (start.number, start.incarnation)),
            electorate: letter.electorate.as_ref().map(Into::into),
            stored: (letter.stored.epoch, letter.stored.number),
            hold_ms: u64::try_from(hold.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The highest epoch that the writer knows.
    pub(crate) fn epoch(&self) -> &EpochToken {
        &self.epoch
    }

    /// The same for a reader that has this version of the electorate on disk.
    pub(crate) fn for_reader_of(mut self, reader: Option<&Self>) -> Self {
        if let Some(electorate) = &mut self.electorate
            && reader.is_some_and(|reader| reader.stored == (electorate.epoch, electorate.number))
        {
            electorate.members = None;
        }
        self
    }

    pub(super) fn hold_ms(&self) -> u128 {
        self.hold_ms.into()
    }

    /// The letter as the rules read it, where `newest` is on disk; `None` if it leaves out what is not there.
    pub(super) fn open(&self, from: &str, newest: &Electorate) -> Option<quorum::Letter> {
        let electorate = match self.electorate.clone() {
            Some(told) if told.members.is_none() => {
                let known = (newest.version.epoch, newest.version.number) == (told.epoch, told.number);
                Some(known.then(|| newest.clone())?)
            }
            told => told.map(Into::into),
        };
        let start = |(number, incarnation)| Start { number, incarnation };
        Some(quorum::Letter {
            from: from.to_owned(),
            nonce: self.nonce,
            echo: self.echo,
            epoch: self.epoch.on_the_wire(),
            role: on_the_wire(self.role),
            start: start(self.start),
            seen: self.seen.map(start),
            electorate,
            stored: Version { epoch: self.stored.0, number: self.stored.1 },
        })
    }
}
