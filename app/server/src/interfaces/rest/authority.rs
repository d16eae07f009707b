//! `/authority.pem`: the certificate that browsers and programs have to trust where HTTPS uses one of the installation's.

use crate::interfaces::app_state::AppState;
use axum::{extract::State, http::header, response::IntoResponse};

/// Public; whoever connects is shown what it signed.
pub(super) async fn certificate(State(state): State<AppState>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/x-pem-file"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"biostar-failover-authority.pem\""),
    ];
    (headers, state.service.authority_certificate())
}
