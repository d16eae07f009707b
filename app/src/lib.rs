//! One server of the installation: the browser's half and the server's half of the portal.
//!
//! # Map
//!
//! Shared by both halves:
//! * [`model`] — values that pages, the REST API and the rules speak in
//! * [`app`] — the shell around every page and the site map
//! * [`pages`] — one file per page: what it fetches and how it is put together
//! * [`components`] — what pages are made of; they are given everything they show
//! * [`server_fns`] — how a page reaches the server, one file per resource
//! * [`paths`] — the only place where the portal's addresses are made
//! * [`live`] — what changed since a page was loaded
//! * [`unsaved`] — what somebody typed and did not save
//!
//! In the browser alone: `browser`, which starts the page and listens to the server. On the server alone: `server`.

// A page is one type, and a deep one.
#![recursion_limit = "256"]

pub mod app;
#[cfg(feature = "hydrate")]
pub mod browser;
pub mod components;
pub mod live;
pub mod model;
pub mod pages;
pub mod paths;
#[cfg(feature = "ssr")]
pub mod server;
pub mod server_fns;
pub mod unsaved;
