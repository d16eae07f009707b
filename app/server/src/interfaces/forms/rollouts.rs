//! Batch edit, and the buttons of a rollout.

use super::{Post, fields::Fields};
use axum::{extract::Path, response::Response};
use model::{Fault, Rollout, RolloutInput, RolloutVerb, Typed};
use model::{Missing, paths};

pub(super) async fn create(post: Post, fields: Fields) -> Response {
    let input = match fields.rollout() {
        Ok(input) => input,
        Err(fault) => return post.refuse(fault, Typed::Nothing).await,
    };
    let outcome = created(&post, input.clone()).await;
    let path = outcome.as_ref().map_or_else(|_| paths::ROLLOUTS.to_owned(), |rollout| paths::rollout(rollout.id));
    post.finish(outcome, Typed::Rollout { input }, &path).await
}

pub(super) async fn act(Path((id, verb)): Path<(String, String)>, post: Post) -> Response {
    let outcome = done(&post, &id, &verb).await;
    let path = outcome.as_ref().map_or_else(|_| paths::ROLLOUTS.to_owned(), |rollout| paths::rollout(rollout.id));
    post.finish(outcome, Typed::Nothing, &path).await
}

async fn created(post: &Post, input: RolloutInput) -> Result<Rollout, Fault> {
    post.state.service.create_rollout(&post.session()?.actor, input, true).await
}

async fn done(post: &Post, id: &str, verb: &str) -> Result<Rollout, Fault> {
    let actor = &post.session()?.actor;
    let missing = || Fault::from(Missing::Page { path: format!("rollouts/{id}/{verb}") });
    let number = id.parse().map_err(|_| missing())?;
    let known = RolloutVerb::ALL.into_iter().find(|known| known.name() == verb).ok_or_else(missing)?;
    post.state.service.act_on_rollout(actor, number, known).await
}
