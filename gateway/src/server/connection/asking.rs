//! A question to the directory under way.

use crate::server::directory::{Directory, SessionId};
use crate::server::renewal::renewal_of;
use crate::server::session::{Admitted, Answer, Question};
use crate::wire::Role;
use rustls_pki_types::CertificateDer;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Puts a question to the directory; `shown` is the device's certificate, if the question is about that.
pub(super) fn ask<D: Directory>(
    directory: Arc<D>,
    session: SessionId,
    question: Question,
    shown: Option<CertificateDer<'static>>,
) -> Pending {
    Box::pin(async move {
        match question {
            Question::Enrol(enrolment) => Answer::Enrol(directory.enrol(&enrolment).await),
            Question::Admit(registration) => match directory.admit(&registration).await {
                Ok(admission) => {
                    let identity = directory.identity();
                    let server_time_unix_ms = unix_ms();
                    Answer::Admitted(Box::new(Admitted { admission, identity, server_time_unix_ms }))
                }
                Err(refusal) => Answer::NotAdmitted(refusal),
            },
            Question::MayRegister(device, serial) => match directory.may_register(device, &serial).await {
                Ok(()) => Answer::MayRegister(Box::new(directory.identity())),
                Err(refusal) => Answer::NotAdmitted(refusal),
            },
            // Only the active server changes settings.
            Question::Wanted(_) if directory.identity().role != Role::Active => Answer::Wanted(None),
            Question::Wanted(device) => Answer::Wanted(directory.wanted(device).await),
            Question::Store(device, upload) => Answer::Stored(directory.store_events(session, device, upload).await),
            Question::Renew(device, request) => {
                Answer::Renewed(match renewal_of(shown.as_ref(), device, request, unix_ms() / 1000) {
                    Ok(renewal) => directory.renew(session, &renewal).await,
                    Err(why_not) => Err(why_not),
                })
            }
            Question::Report(device, progress) => Answer::Reported(directory.progress(session, device, progress).await),
        }
    })
}

/// Waits for the answer; for ever if nothing was asked.
pub(super) async fn answer_to(pending: &mut Option<Pending>) -> Answer {
    match pending {
        Some(future) => {
            let answer = future.await;
            *pending = None;
            answer
        }
        None => std::future::pending().await,
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
