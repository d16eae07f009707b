//! What operators do at a server that is not active, and who tries to sign in there: told to the active server, and taken
//! into the database at the latest when this server writes it.

use super::store::{HeldRecords, OperatorRecords, SignInMark, SignInRow};
use crate::{
    Service,
    db::{AuditEntry, StoreError},
    paging,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{ChoiceRule, Fault, Page, Role, SignInAttempt, SignInQuery};
use std::{collections::HashMap, sync::atomic::Ordering};

impl Service {
    /// Puts on record what changes nothing in the database: there, or beside it where this server does not write it.
    pub(crate) async fn record_act(&self, entry: &AuditEntry) -> Result<(), Fault> {
        if self.role() == Role::Active {
            return Ok(self.store.append_audit(entry).await?);
        }
        self.store.append_own_act(entry).await?;
        if self.role() == Role::Active {
            // This server became active meanwhile: it is beside the database, until it is taken over.
            self.unadopted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What this server has to tell `peer` of its operators; nothing unless that one is active and this one is not.
    pub(crate) async fn records_for(&self, peer: &str) -> Result<OperatorRecords, StoreError> {
        if self.role() == Role::Active || !self.peers.is_active(peer) {
            return Ok(OperatorRecords::default());
        }
        self.store.list_operator_records(peer).await
    }

    /// Takes in what another server told of its operators, and says what is held of that; `None` if this server is not
    /// the one to do so. That it could not be written must not make this server look silent: it is told again.
    pub(crate) async fn note_records(&self, server: &str, records: &OperatorRecords) -> Option<HeldRecords> {
        if self.role() != Role::Active {
            return None;
        }
        let held = self.store.keep_operator_records(server, records).await;
        held.inspect_err(|error| {
            tracing::warn!(server, %error, "what operators did at the other server could not be put on record yet");
        })
        .ok()
    }

    /// A page of attempts to sign in, newest first: to this server, and to others as far as they told it.
    ///
    /// # Errors
    ///
    /// A bad limit or cursor, or the store fails.
    pub async fn list_sign_ins(&self, query: SignInQuery) -> Result<Page<SignInAttempt>, Fault> {
        let limit = paging::limit_of(query.limit, paging::USUAL)?;
        let after = query.cursor.as_deref().filter(|cursor| !cursor.is_empty()).map(parse_cursor).transpose()?;
        let own = &self.identity.server_id;
        let mut rows = self.store.list_sign_ins(own, after.as_ref(), limit + 1).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|(mark, _)| cursor_of(mark));
        let total = self.store.count_sign_ins().await?;
        let recorded = self.store.all_servers().await?.into_iter().map(|server| (server.id, server.name));
        let mut names: HashMap<String, String> = recorded.collect();
        names.entry(own.clone()).or_insert_with(|| self.identity.server_name.clone());
        let item = |((at, server_id, _), row): (SignInMark, SignInRow)| SignInAttempt {
            server: names.get(&server_id).cloned().unwrap_or_else(|| server_id.clone()),
            server_id,
            at,
            login: row.login,
            succeeded: row.succeeded,
            peer: row.peer,
        };
        Ok(Page { items: rows.into_iter().map(item).collect(), next_cursor, total })
    }
}

fn cursor_of((at, server, number): &SignInMark) -> String {
    URL_SAFE_NO_PAD.encode(format!("{at} {server} {number}"))
}

fn parse_cursor(cursor: &str) -> Result<SignInMark, Fault> {
    let mark = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let mut parts = text.split(' ');
        let mark = (parts.next()?.to_owned(), parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(mark)
    };
    mark().ok_or_else(|| Fault::field("cursor", ChoiceRule::Cursor))
}

#[cfg(test)]
mod tests;
