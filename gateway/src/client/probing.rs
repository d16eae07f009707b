//! A probe over real sockets: as an attempt, up to the answer whether the server would register the device.

use super::connection::{Connection, Heard};
use super::{
    dial::{Dialler, Steps},
    failure::Failure,
};
use crate::wire::{DeviceId, EntryProbe, FailureKind, Message, PROTOCOL_VERSION, ProbeAnswer, ServerEntry};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a probe may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) answer: Duration,
}

/// Asks the server at that entry, and tells how far it came.
pub(super) async fn probe(dialler: Dialler, device: DeviceId, entry: ServerEntry, limits: Limits) -> EntryProbe {
    let mut steps = Steps::default();
    let dialled = dialler.dial_in_steps(entry.address.clone(), entry.port, limits.connect, &mut steps).await;
    let asked = Instant::now();
    let outcome = match dialled {
        Ok(connection) => ask(connection, device, limits.answer).await,
        Err(failure) => Err(failure),
    };
    EntryProbe {
        entry,
        resolved: steps.address.map(|address| address.to_string()),
        tcp_ms: steps.tcp.map(milliseconds),
        tls_ms: steps.tls.map(milliseconds),
        answer_ms: outcome.is_ok().then(|| milliseconds(asked.elapsed())),
        outcome: outcome.map_err(|(kind, text)| (kind, crate::device::tidy_text(&text))),
    }
}

/// The network is down.
pub(super) fn unreachable(entry: ServerEntry) -> EntryProbe {
    let outcome = Err((FailureKind::Unreachable, "the network is down".to_owned()));
    EntryProbe { entry, resolved: None, tcp_ms: None, tls_ms: None, answer_ms: None, outcome }
}

async fn ask(mut connection: Box<Connection>, device: DeviceId, limit: Duration) -> Result<ProbeAnswer, Failure> {
    let asking = async {
        connection.say(Message::Probe { protocol_version: PROTOCOL_VERSION, device }).await?;
        loop {
            if let Heard::Message(message) = connection.hear().await? {
                return answer_of(*message);
            }
        }
    };
    let answer = timeout(limit, asking)
        .await
        .unwrap_or_else(|_| Err((FailureKind::TimedOut, "no answer to the probe in time".to_owned())));
    connection.close().await;
    answer
}

fn answer_of(message: Message) -> Result<ProbeAnswer, Failure> {
    if let Message::ProbeAnswer(answer) = message {
        return Ok(answer);
    }
    if let Message::Busy { retry_after_s } = message {
        return Err((FailureKind::Busy, format!("the server is busy for {retry_after_s} s")));
    }
    if let Message::Goodbye(goodbye) = message {
        let text = if goodbye.text.is_empty() { format!("{:?}", goodbye.reason) } else { goodbye.text };
        return Err((FailureKind::NotAdmitted, text));
    }
    Err((FailureKind::Closed, "the server answered the probe with something else".to_owned()))
}

fn milliseconds(took: Duration) -> u32 {
    u32::try_from(took.as_millis()).unwrap_or(u32::MAX)
}
