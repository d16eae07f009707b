//! What every handler can ask for.

use super::cookies::Cookies;
use crate::Service;
use axum::{Router, extract::FromRef};
use std::{path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What every handler can ask for.
#[derive(Clone)]
pub struct AppState {
    /// The rules.
    pub service: Arc<Service>,
    /// The pages.
    pub pages: Router,
    /// The folder of the browser's half, which holds `pkg`.
    pub web_root: Arc<Path>,
    /// The browser's cookies.
    pub cookies: Cookies,
    /// Cancelled when the server stops: answers without end must end.
    pub stop: CancellationToken,
}

impl AppState {
    /// `web_root` holds the folder `pkg`; `secure` when browsers come by HTTPS.
    #[must_use]
    pub fn new(service: Arc<Service>, pages: Router, web_root: &Path, secure: bool, stop: CancellationToken) -> Self {
        let cookies = Cookies::new(service.identity(), secure);
        Self { service, pages, web_root: web_root.into(), cookies, stop }
    }
}

impl FromRef<AppState> for Arc<Service> {
    fn from_ref(state: &AppState) -> Self {
        state.service.clone()
    }
}
