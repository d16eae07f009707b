//! Messages over one TLS connection.

use super::failure::{Failure, failure};
use crate::{
    enrolment::channel_binding,
    wire::{FailureKind, FrameCodec, Message},
};
use bytes::BytesMut;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;
use tokio_util::codec::{Decoder as _, Encoder as _};

/// A peer that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// A goodbye that cannot be said in this time is left unsaid.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// What came over a connection.
#[derive(Debug)]
pub(super) enum Heard {
    /// A whole message.
    Message(Box<Message>),
    /// Bytes, not yet a message.
    Bytes,
}

/// One TLS connection that carries messages.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TlsStream<TcpStream>,
    incoming: BytesMut,
}

impl Connection {
    pub(super) fn new(stream: TlsStream<TcpStream>) -> Self {
        Self { stream, incoming: BytesMut::new() }
    }

    /// What both ends of this connection know and nobody else.
    pub(super) fn channel_binding(&self) -> Result<[u8; 32], rustls::Error> {
        channel_binding(self.stream.get_ref().1)
    }

    /// The server's certificate.
    pub(super) fn server_certificate(&self) -> Option<&rustls_pki_types::CertificateDer<'static>> {
        self.stream.get_ref().1.peer_certificates()?.first()
    }

    /// The next thing that comes. Can be dropped at any time without losing anything.
    pub(super) async fn hear(&mut self) -> Result<Heard, Failure> {
        if let Some(message) = self.decode()? {
            return Ok(Heard::Message(Box::new(message)));
        }
        match self.stream.read_buf(&mut self.incoming).await {
            Ok(0) => Err((FailureKind::Closed, "the server closed the connection".to_owned())),
            Ok(_) => Ok(self.decode()?.map_or(Heard::Bytes, |message| Heard::Message(Box::new(message)))),
            Err(error) => Err(failure(&error)),
        }
    }

    fn decode(&mut self) -> Result<Option<Message>, Failure> {
        FrameCodec.decode(&mut self.incoming).map_err(|error| (FailureKind::Closed, error.to_string()))
    }

    /// Hands a message to the network.
    pub(super) async fn say(&mut self, message: Message) -> Result<(), Failure> {
        let mut bytes = BytesMut::new();
        FrameCodec.encode(message, &mut bytes).map_err(|error| (FailureKind::Closed, error.to_string()))?;
        let written = timeout(WRITE_LIMIT, async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err((FailureKind::TimedOut, "the server takes no more bytes".to_owned())),
        }
    }

    /// Ends it in good order, if the other side lets us.
    pub(super) async fn close(mut self: Box<Self>) {
        // A peer that is gone already needs no goodbye.
        let _ = timeout(CLOSE_LIMIT, self.stream.shutdown()).await;
    }
}
