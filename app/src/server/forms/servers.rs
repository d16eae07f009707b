//! Deciding on servers that ask to join.

use super::Post;
use crate::{
    model::{Fault, Typed},
    paths,
};
use axum::{extract::Path, response::Response};

pub(super) async fn confirm_newcomer(Path(fingerprint): Path<String>, post: Post) -> Response {
    let outcome = confirmed(&post, &fingerprint).await;
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

pub(super) async fn reject_newcomer(Path(fingerprint): Path<String>, post: Post) -> Response {
    let outcome = rejected(&post, &fingerprint).await;
    post.finish(outcome, Typed::Nothing, paths::SERVERS).await
}

async fn confirmed(post: &Post, fingerprint: &str) -> Result<(), Fault> {
    post.state.service.confirm_newcomer(&post.session()?.actor, fingerprint).await
}

async fn rejected(post: &Post, fingerprint: &str) -> Result<(), Fault> {
    post.state.service.reject_newcomer(&post.session()?.actor, fingerprint).await
}
