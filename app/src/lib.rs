//! The pages of the portal: rendered by the server, brought to life in the browser.
//!
//! # Map
//!
//! * [`app`] — the shell around every page and the site map
//! * [`pages`] — one file per page: what it fetches and how it is put together
//! * [`components`] — what pages are made of; they are given everything they show
//! * [`server_fns`] — how a page reaches the server, one file per resource
//! * [`hydrated`] — whether the browser has taken over
//! * [`live`] — what changed since a page was loaded
//! * [`unsaved`] — what somebody typed and did not save
//!
//! In the browser alone: `browser`, which starts the page and listens to the server. On the server alone: `router`, the pages for
//! whoever serves them. What pages and server say to each other is
//! in the crate `model`; what the server does about it pages do not know.

// A page is one type, and a deep one.
#![recursion_limit = "256"]

pub mod app;
#[cfg(feature = "hydrate")]
pub mod browser;
pub mod components;
pub mod hydrated;
pub mod live;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod router;
pub mod server_fns;
pub mod unsaved;
