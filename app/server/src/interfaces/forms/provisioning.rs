//! Making a provisioning string. The answer shows it at once: no later page does.

use super::{Post, fields::Fields};
use axum::response::Response;
use model::{Fault, FormAnswer, ProvisioningForm, ProvisioningString, Typed};

pub(super) async fn create(post: Post, fields: Fields) -> Response {
    let form = ProvisioningForm {
        uses: fields.text("uses"),
        hours: fields.text("expires_in_seconds"),
        addresses: fields.text("addresses"),
    };
    match created(&post, &form).await {
        Ok(string) => post.render(FormAnswer::Made { string }).await,
        Err(fault) => post.refuse(fault, Typed::Provisioning { form }).await,
    }
}

async fn created(post: &Post, form: &ProvisioningForm) -> Result<ProvisioningString, Fault> {
    post.state.service.create_provisioning_string(&post.session()?.actor, form.read()?).await
}
