//! Deciding on servers: which may join, which is active, which takes devices.

use super::{Post, fields::Fields};
use axum::{extract::Path, response::Response};
use model::paths;
use model::{Draining, DrillForm, Fault, PromotionInput, Typed};

pub(super) async fn confirm_newcomer(Path(fingerprint): Path<String>, post: Post) -> Response {
    let outcome = confirmed(&post, &fingerprint).await;
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

pub(super) async fn reject_newcomer(Path(fingerprint): Path<String>, post: Post) -> Response {
    let outcome = rejected(&post, &fingerprint).await;
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

pub(super) async fn drain(Path(id): Path<String>, post: Post) -> Response {
    let outcome = drained(&post, &id, true).await;
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

pub(super) async fn end_drain(Path(id): Path<String>, post: Post) -> Response {
    let outcome = drained(&post, &id, false).await;
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

pub(super) async fn promote(Path(id): Path<String>, post: Post, fields: Fields) -> Response {
    let stopped = Some(fields.text("stopped")).filter(|text| !text.is_empty());
    let input = PromotionInput { confirm: fields.text("confirm"), stopped };
    let outcome = match post.session() {
        Ok(session) => post.state.service.promote(&session.actor, &id, &input).await,
        Err(fault) => Err(fault),
    };
    post.finish(outcome, Typed::Promotion { input }, paths::SERVERS).await
}

pub(super) async fn rejoin(Path(id): Path<String>, post: Post) -> Response {
    let outcome = match post.session() {
        Ok(session) => post.state.service.rejoin(&session.actor, &id).await,
        Err(fault) => Err(fault),
    };
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

pub(super) async fn set_automatic_promotion(post: Post, fields: Fields) -> Response {
    let enabled = fields.text("enabled") == "true";
    let outcome = match post.session() {
        Ok(session) => post.state.service.set_automatic_promotion(&session.actor, enabled).await,
        Err(fault) => Err(fault),
    };
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

pub(super) async fn copy(Path(id): Path<String>, post: Post) -> Response {
    let outcome = match post.session() {
        Ok(session) => post.state.service.copy_now(&session.actor, &id).await,
        Err(fault) => Err(fault),
    };
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

pub(super) async fn remove(Path(id): Path<String>, post: Post) -> Response {
    let outcome = match post.session() {
        Ok(session) => post.state.service.remove_server(&session.actor, &id).await,
        Err(fault) => Err(fault),
    };
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

/// To the server of the address.
pub(super) async fn begin_drill(Path(to): Path<String>, post: Post, fields: Fields) -> Response {
    let form = DrillForm { devices: fields.text("devices"), limit_seconds: fields.text("limit_seconds") };
    let outcome = match (post.session(), form.read(to)) {
        (Ok(session), Ok(input)) => post.state.service.begin_drill(&session.actor, input).await,
        (Err(fault), _) | (_, Err(fault)) => Err(fault),
    };
    let report = outcome.as_ref().map_or_else(|_| paths::SERVERS.to_owned(), |drill| paths::drill(&drill.id));
    post.finish(outcome, Typed::Drill { form }, &report).await
}

pub(super) async fn stop_drill(Path(id): Path<String>, post: Post) -> Response {
    let outcome = match post.session() {
        Ok(session) => post.state.service.stop_drill(&session.actor, &id).await,
        Err(fault) => Err(fault),
    };
    post.finish(outcome, Typed::Nothing, &paths::drill(&id)).await
}

pub(super) async fn settle_divergent_changes(post: Post) -> Response {
    let outcome = match post.session() {
        Ok(session) => post.state.service.settle_divergent_changes(&session.actor).await,
        Err(fault) => Err(fault),
    };
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

async fn drained(post: &Post, id: &str, away: bool) -> Result<Draining, Fault> {
    let actor = &post.session()?.actor;
    if away { post.state.service.drain(actor, id).await } else { post.state.service.end_drain(actor, id).await }
}

async fn confirmed(post: &Post, fingerprint: &str) -> Result<(), Fault> {
    post.state.service.confirm_newcomer(&post.session()?.actor, fingerprint).await
}

async fn rejected(post: &Post, fingerprint: &str) -> Result<(), Fault> {
    post.state.service.reject_newcomer(&post.session()?.actor, fingerprint).await
}
