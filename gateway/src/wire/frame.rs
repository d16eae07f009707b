//! Framing: a `u32` big-endian length, then one protobuf `Frame`.

use super::{Message, Reason, proto};
use bytes::{Buf, BufMut, BytesMut};
use prost::Message as _;
use tokio_util::codec::{Decoder, Encoder};

/// The protocol's name in the TLS handshake.
pub const ALPN: &[u8] = b"bln/1";
/// The version this crate speaks.
pub const PROTOCOL_VERSION: u32 = 1;
/// The longest frame, without its length.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;

const LENGTH_BYTES: usize = 4;

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The announced or encoded length is over the limit.
    #[error("a frame of {0} bytes is longer than the {MAX_FRAME_BYTES} allowed")]
    Oversized(usize),
    /// The stream ended inside a frame.
    #[error("the connection ended inside a frame")]
    Truncated,
    /// The content is no protobuf or breaks a field's rule.
    #[error("a frame could not be read: {0}")]
    Malformed(String),
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl FrameError {
    /// What to say goodbye with.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Oversized(_) => Reason::Oversized,
            Self::Truncated | Self::Malformed(_) => Reason::Malformed,
            Self::Io(_) => Reason::Unknown,
        }
    }
}

/// Turns a stream of bytes into messages and back. Holds nothing between frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameCodec;

impl Decoder for FrameCodec {
    type Item = Message;
    type Error = FrameError;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Message>, FrameError> {
        let Some(header) = source.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = u32::from_be_bytes(*header) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(FrameError::Oversized(length));
        }
        // No memory is set aside for what a length merely promises.
        if source.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        source.advance(LENGTH_BYTES);
        let frame = proto::Frame::decode(source.split_to(length).freeze())
            .map_err(|error| FrameError::Malformed(error.to_string()))?;
        proto::message_of(frame).map(Some).map_err(FrameError::Malformed)
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Message>, FrameError> {
        match self.decode(source)? {
            None if !source.is_empty() => Err(FrameError::Truncated),
            outcome => Ok(outcome),
        }
    }
}

impl Encoder<Message> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, message: Message, target: &mut BytesMut) -> Result<(), FrameError> {
        let frame = proto::frame_of(message);
        let length = frame.encoded_len();
        if length > MAX_FRAME_BYTES {
            return Err(FrameError::Oversized(length));
        }
        target.reserve(LENGTH_BYTES + length);
        target.put_u32(u32::try_from(length).map_err(|_| FrameError::Oversized(length))?);
        frame.encode(target).map_err(|error| FrameError::Malformed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Result<Option<Message>, FrameError> {
        FrameCodec.decode(&mut BytesMut::from(bytes))
    }

    #[test]
    fn a_message_comes_back_whole_however_it_is_cut() {
        let mut wire = BytesMut::new();
        FrameCodec.encode(Message::Ping { nonce: 7 }, &mut wire).unwrap();
        for cut in 0..wire.len() {
            assert!(decode(&wire[..cut]).unwrap().is_none());
        }
        assert_eq!(decode(&wire).unwrap(), Some(Message::Ping { nonce: 7 }));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_its_bytes_come() {
        let length = u32::try_from(MAX_FRAME_BYTES + 1).unwrap().to_be_bytes();
        assert!(matches!(decode(&length), Err(FrameError::Oversized(_))));
    }

    #[test]
    fn an_unknown_message_is_told_apart_from_a_malformed_one() {
        // Field 1000, length-delimited, empty.
        assert_eq!(decode(&[0, 0, 0, 3, 0xc2, 0x3e, 0]).unwrap(), Some(Message::Unknown));
        assert!(matches!(decode(&[0, 0, 0, 2, 0xff, 0xff]), Err(FrameError::Malformed(_))));
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_truncated() {
        let ended = FrameCodec.decode_eof(&mut BytesMut::from(&[0, 0, 0, 9, 1][..]));
        assert!(matches!(ended, Err(FrameError::Truncated)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_reserve(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut source = BytesMut::from(&bytes[..]);
            let _ = FrameCodec.decode(&mut source);
            prop_assert!(source.capacity() <= 4096);
        }
    }
}
