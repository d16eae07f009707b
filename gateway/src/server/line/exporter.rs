//! The TLS exporter (RFC 8446, section 7.5) of connections without buffers.
//!
//! The library offers the exporter only on connections that keep their buffers. What it does offer everywhere is to
//! name the exporter secret, at the moment it is made, to a key log. This one keeps it in the thread's hand until
//! the caller of the very step that made it takes it, and nowhere else.

use rustls::crypto::tls13::{HkdfExpander, OkmBlock};
use rustls::{KeyLog, SupportedCipherSuite};
use std::cell::RefCell;

const LABEL: &str = "EXPORTER_SECRET";

thread_local! {
    static MADE: RefCell<Option<ExporterSecret>> = const { RefCell::new(None) };
}

/// To be the key log of a server's TLS configuration.
#[derive(Debug)]
pub(super) struct ExporterWatch;

impl KeyLog for ExporterWatch {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        if label == LABEL {
            MADE.set(Some(ExporterSecret(OkmBlock::new(secret))));
        }
    }

    fn will_log(&self, label: &str) -> bool {
        label == LABEL
    }
}

/// What a connection's exported values are made from; wiped when dropped.
pub(super) struct ExporterSecret(OkmBlock);

impl ExporterSecret {
    /// Does one step of one connection; its outcome, and the secret if the step made it.
    pub(super) fn watch<T>(step: impl FnOnce() -> T) -> (T, Option<Self>) {
        MADE.take();
        (step(), MADE.take())
    }

    /// 32 bytes for a label, without a context.
    pub(super) fn export(&self, suite: SupportedCipherSuite, label: &[u8]) -> Option<[u8; 32]> {
        let suite = suite.tls13()?;
        let nothing = suite.common.hash_provider.hash(b"");
        let mut derived = [0; 64];
        let derived = derived.get_mut(..nothing.as_ref().len())?;
        expand(&*suite.hkdf_provider.expander_for_okm(&self.0), label, nothing.as_ref(), derived)?;
        let mut exported = [0; 32];
        let expander = suite.hkdf_provider.expander_for_okm(&OkmBlock::new(derived));
        expand(&*expander, b"exporter", nothing.as_ref(), &mut exported)?;
        Some(exported)
    }
}

/// `HKDF-Expand-Label` of RFC 8446, section 7.1.
fn expand(expander: &dyn HkdfExpander, label: &[u8], context: &[u8], output: &mut [u8]) -> Option<()> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = u16::try_from(output.len()).ok()?.to_be_bytes();
    let label_length = [u8::try_from(PREFIX.len() + label.len()).ok()?];
    let context_length = [u8::try_from(context.len()).ok()?];
    let info: [&[u8]; 6] = [&length, &label_length, PREFIX, label, &context_length, context];
    expander.expand_slice(&info, output).ok()
}
