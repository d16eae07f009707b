//! Bytes of a connection: frames however they are cut, and messages there and back.

use crate::wire::{FrameCodec, MAX_FRAME_BYTES, Message};
use bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _};

/// The first byte says how long the pieces are in which the rest arrives. However it is cut, the same is read, up to the
/// same end, and never more than the limit is held back.
pub(super) fn frames(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else { return };
    let whole = read(stream.chunks(stream.len().max(1)));
    let pieces = read(stream.chunks(usize::from(*piece).max(1)));
    assert_eq!(whole, pieces, "what is read depends on how it is cut");
}

/// Everything that can be read, and how it ended.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Message>, Option<String>) {
    let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match FrameCodec.decode(&mut buffer) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error.to_string())),
            }
        }
        assert!(buffer.len() < MAX_FRAME_BYTES + 4, "more than a frame is held back");
    }
    match FrameCodec.decode_eof(&mut buffer) {
        Ok(None) => (messages, None),
        Ok(Some(message)) => panic!("{message:?} was kept until the end"),
        Err(error) => (messages, Some(error.to_string())),
    }
}

/// One frame's body: what is read from it survives being sent on.
pub(super) fn messages(body: &[u8]) {
    let Ok(length) = u32::try_from(body.len()) else { return };
    let mut bytes = BytesMut::from(&length.to_be_bytes()[..]);
    bytes.extend_from_slice(body);
    let Ok(Some(message)) = FrameCodec.decode(&mut bytes) else { return };
    assert_eq!(sent_on(message.clone()), Some(message), "it came back as another");
}

/// A message after another trip over the wire; `None` if it is too long for one frame or cannot be read.
pub(super) fn sent_on(message: Message) -> Option<Message> {
    let mut bytes = BytesMut::new();
    FrameCodec.encode(message, &mut bytes).ok()?;
    FrameCodec.decode(&mut bytes).ok()?
}
