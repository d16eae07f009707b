//! Deciding on waiting devices.

use super::Post;
use axum::{extract::Path, response::Response};
use model::paths;
use model::{Fault, Typed};

pub(super) async fn accept(Path(id): Path<String>, post: Post) -> Response {
    let outcome = accepted(&post, &id).await;
    post.finish(outcome, Typed::Nothing, paths::WAITING_DEVICES).await
}

pub(super) async fn reject(Path(id): Path<String>, post: Post) -> Response {
    let outcome = rejected(&post, &id).await;
    post.finish(outcome, Typed::Nothing, paths::WAITING_DEVICES).await
}

async fn accepted(post: &Post, id: &str) -> Result<(), Fault> {
    post.state.service.accept_waiting(&post.session()?.actor, id).await.map(|_| ())
}

async fn rejected(post: &Post, id: &str) -> Result<(), Fault> {
    post.state.service.reject_waiting(&post.session()?.actor, id).await
}
