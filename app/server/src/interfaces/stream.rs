//! Server-sent events: what changes, told to open pages and programs.

use super::{app_state::AppState, auth, problem::Problem};
use crate::changes::Change;
use axum::{
    extract::State,
    http::Extensions,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, StreamExt as _};
use std::{convert::Infallible, time::Duration};
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};

const PING: Duration = Duration::from_secs(15);

/// Each change as an event `change`; `reload` to a listener that fell behind. Ends with the sign-in or the server.
pub(crate) async fn changes(
    State(state): State<AppState>,
    extensions: Extensions,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let session = auth::session_of(&extensions)?;
    let left = session.expires_at.map(|end| end - state.service.clock.now());
    let end = async move {
        match left {
            Some(left) => tokio::time::sleep(left.try_into().unwrap_or_default()).await,
            None => std::future::pending().await,
        }
    };
    let stop = state.stop.clone();
    let end = async move {
        tokio::select! {
            () = end => {}
            () = stop.cancelled() => {}
        }
    };
    let events = BroadcastStream::new(state.service.changes().listen()).map(|change| Ok(event_of(change)));
    Ok(Sse::new(events.take_until(Box::pin(end))).keep_alive(KeepAlive::new().interval(PING).text("ping")))
}

fn event_of(change: Result<Change, BroadcastStreamRecvError>) -> Event {
    match change {
        Ok(change) => Event::default()
            .event("change")
            .json_data(&change)
            .unwrap_or_else(|_| Event::default().event("reload").data("")),
        Err(BroadcastStreamRecvError::Lagged(_)) => Event::default().event("reload").data(""),
    }
}
