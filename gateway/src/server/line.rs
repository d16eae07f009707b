//! TLS over one socket that keeps nothing while nobody talks: no buffers, only keys.
//!
//! All connections of a thread share one scratch buffer for what arrives. A connection holds bytes of its own only while
//! a TLS record is half here, or while its device does not take what it is sent.

mod exporter;

use crate::enrolment::CHANNEL_BINDING_LABEL;
use bytes::BytesMut;
use exporter::{ExporterSecret, ExporterWatch};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic};
use rustls::{CommonState, ServerConfig};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

/// Room for the longest TLS record and as much again.
const SCRATCH_BYTES: usize = 36 * 1024;
/// More than the longest record and still no record: not TLS as anybody speaks it.
const UNREAD_BYTES_MAX: usize = SCRATCH_BYTES / 2;
/// The longest record's content, and what a record adds to it at most.
const RECORD_BYTES: (usize, usize) = (16 * 1024, 64);

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// Makes lines out of sockets.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: Arc<ServerConfig>,
}

/// One TLS connection.
pub(super) struct Line {
    stream: TcpStream,
    tls: UnbufferedServerConnection,
    /// The beginning of a record whose rest is still on its way.
    unread: Vec<u8>,
    /// Records that the socket has not taken.
    unsent: Vec<u8>,
    /// The other side has said that nothing more comes.
    ended: bool,
    /// TLS failed and has said so; nothing can be said after that.
    broken: bool,
}

/// A handshake in which it is the device's turn.
pub(super) struct Answered {
    line: Line,
    heard: BytesMut,
    secret: Option<ExporterSecret>,
}

/// A line that stands, and what else its handshake brought.
pub(super) struct Opened {
    pub(super) line: Line,
    /// What the device has said already.
    pub(super) heard: BytesMut,
    /// What both ends know and nobody else; only for who shows no certificate, since nobody else has to prove more.
    pub(super) channel_binding: Option<[u8; 32]>,
}

impl Acceptor {
    pub(super) fn new(tls: &ServerConfig) -> Self {
        let mut tls = tls.clone();
        tls.key_log = Arc::new(ExporterWatch);
        Self { tls: Arc::new(tls) }
    }

    /// Takes in what the device says first, and answers it. Who has hung up meanwhile costs no cryptography.
    pub(super) async fn answer(&self, stream: TcpStream) -> io::Result<Answered> {
        let tls = UnbufferedServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        let line = Line { stream, tls, unread: Vec::new(), unsent: Vec::new(), ended: false, broken: false };
        let mut answered = Answered { line, heard: BytesMut::new(), secret: None };
        while !answered.step().await? {}
        Ok(answered)
    }
}

impl Answered {
    /// Waits for the rest of the handshake.
    pub(super) async fn end(mut self) -> io::Result<Opened> {
        while self.line.tls.is_handshaking() {
            self.step().await?;
        }
        let Self { line, heard, secret } = self;
        let channel_binding = match line.tls.peer_certificates() {
            Some(_) => None,
            None => Some(binding_of(&line.tls, secret.as_ref())?),
        };
        Ok(Opened { line, heard, channel_binding })
    }

    /// Takes in what comes next; whether there was something to answer.
    async fn step(&mut self) -> io::Result<bool> {
        let Self { line, heard, secret } = self;
        let (came, found) = poll_fn(|cx| {
            let (came, found) = ExporterSecret::watch(|| line.poll_read(cx, heard));
            came.map(|came| (came, found))
        })
        .await;
        *secret = secret.take().or(found);
        let answers = line.has_unsent();
        // Also what went wrong is told.
        line.flush().await?;
        if came? { Ok(answers) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

fn binding_of(tls: &CommonState, secret: Option<&ExporterSecret>) -> io::Result<[u8; 32]> {
    tls.negotiated_cipher_suite()
        .zip(secret)
        .and_then(|(suite, secret)| secret.export(suite, CHANNEL_BINDING_LABEL))
        .ok_or_else(|| io::Error::other("a TLS session without an exporter"))
}

impl Line {
    /// What TLS knows of the other side.
    pub(super) fn tls(&self) -> &CommonState {
        &self.tls
    }

    /// Waits for bytes and appends what they say; `false` once the other side has ended. Loses nothing when dropped.
    pub(super) async fn read(&mut self, into: &mut BytesMut) -> io::Result<bool> {
        poll_fn(|cx| self.poll_read(cx, into)).await
    }

    /// Encrypts; [`flush`](Self::flush) sends it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (record, extra) = RECORD_BYTES;
        let room = bytes.len() + (bytes.len() / record + 1) * extra;
        self.seal(room, |traffic, room| traffic.encrypt(bytes, room))
    }

    /// Whether something waits to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Hands everything to the network. Loses nothing when dropped.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let sent = self.stream.write(&self.unsent).await?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            if sent == self.unsent.len() {
                self.unsent = Vec::new();
            } else {
                self.unsent.drain(..sent);
            }
        }
        Ok(())
    }

    /// Ends it so that the last word arrives: a socket dropped with unread bytes would take it back.
    pub(super) async fn close(mut self) -> io::Result<()> {
        if !self.broken {
            self.seal(RECORD_BYTES.1, |traffic, room| traffic.queue_close_notify(room))?;
        }
        self.flush().await?;
        self.stream.shutdown().await?;
        while poll_fn(|cx| SCRATCH.with_borrow_mut(|scratch| poll_fill(&mut self.stream, cx, scratch))).await? > 0 {}
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<bool>> {
        if self.ended {
            return Poll::Ready(Ok(false));
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let held = self.unread.len();
            scratch[..held].copy_from_slice(&self.unread);
            let came = ready!(poll_fill(&mut self.stream, cx, &mut scratch[held..]))?;
            // While hands are shaken everything is expensive, and who dialled may have given up in the queue.
            let gone = came == 0
                || self.tls.is_handshaking()
                    && matches!(poll_fill(&mut self.stream, cx, &mut scratch[held + came..]), Poll::Ready(Ok(0)));
            if gone {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            let arrived = &mut scratch[..held + came];
            let used = self.process(arrived, into)?;
            let rest = &arrived[used..];
            if rest.len() > UNREAD_BYTES_MAX {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a TLS record without an end")));
            }
            self.unread = rest.to_vec();
            Poll::Ready(Ok(true))
        })
    }

    /// Takes in as many records as are whole, appends what they say, and encodes what TLS has to answer; how many bytes
    /// are done with.
    fn process(&mut self, bytes: &mut [u8], into: &mut BytesMut) -> io::Result<usize> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(&mut bytes[used..]);
            let mut settled = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(io::Error::other)?;
                        discard += record.discard;
                        into.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => encode(&mut self.unsent, |room| data.encode(room))?,
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.ended = true,
                Ok(_) => settled = true,
                Err(error) => {
                    self.encode_alert(&mut bytes[used + discard..])?;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            }
            used += discard;
            if settled {
                return Ok(used);
            }
        }
    }

    /// What TLS says last, after an error.
    fn encode_alert(&mut self, rest: &mut [u8]) -> io::Result<()> {
        self.broken = true;
        while self.tls.wants_write() {
            let Ok(ConnectionState::EncodeTlsData(mut data)) = self.tls.process_tls_records(rest).state else { break };
            encode(&mut self.unsent, |room| data.encode(room))?;
        }
        Ok(())
    }

    fn seal(
        &mut self,
        room: usize,
        encrypt: impl FnOnce(&mut WriteTraffic<'_, ServerConnectionData>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        if self.broken {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let start = self.unsent.len();
        // TLS wants to see what it has not discarded, also when it is only to write.
        let ConnectionState::WriteTraffic(mut traffic) =
            self.tls.process_tls_records(&mut self.unread).state.map_err(io::Error::other)?
        else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        self.unsent.resize(start + room, 0);
        let sealed = encrypt(&mut traffic, &mut self.unsent[start..]);
        self.unsent.truncate(start + *sealed.as_ref().unwrap_or(&0));
        sealed.map(drop).map_err(io::Error::other)
    }
}

/// Appends what is encoded, however long it is.
fn encode(unsent: &mut Vec<u8>, mut into: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) -> io::Result<()> {
    let start = unsent.len();
    let mut room = RECORD_BYTES.1;
    loop {
        unsent.resize(start + room, 0);
        match into(&mut unsent[start..]) {
            Ok(length) => {
                unsent.truncate(start + length);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(error)) if error.required_size > room => room = error.required_size,
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Reads into a buffer; how many bytes came, 0 at the end.
fn poll_fill(stream: &mut TcpStream, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}
