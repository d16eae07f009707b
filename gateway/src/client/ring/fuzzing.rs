//! A file of the ring, whatever stands in it.

use super::{Ring, record};
use crate::wire::{Event, EventUpload, FrameCodec, Message, RingId};
use bytes::BytesMut;
use std::{fs, path::Path};
use tempfile::tempdir;
use tokio_util::codec::{Decoder as _, Encoder as _};

const RING: RingId = RingId([7; 16]);
const CAPACITY: u64 = 1000;

/// The first byte says whether the rest is a file as it stands or, for 1, the contents of records (each after a length
/// byte) with their checksums made right. A ring opens on it, keeps what it can read, goes on after it, and has all of
/// that after the next start.
pub(crate) fn ring_files(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let file = if *kind == 1 { records_of(rest) } else { rest.to_vec() };
    let Ok(folder) = tempdir() else { return };
    let home = folder.path().join(RING.to_string());
    let written = fs::create_dir(&home)
        .and_then(|()| fs::write(home.join(format!("{:020}", 1)), &file))
        .and_then(|()| fs::write(folder.path().join(super::NAME_FILE), RING.to_string()));
    if written.is_err() {
        return;
    }
    let kept = events_of(folder.path());
    for event in &kept {
        assert!(is_taken(event), "no server takes {event:?}");
    }
    let Ok(mut ring) = Ring::open(folder.path(), CAPACITY) else { panic!("the ring does not open again") };
    assert_eq!(ring.span().ring, RING, "a damaged file is no reason for another ring");
    let next = Event { time_unix_ms: 1, code: 2, user_id: "u".to_owned(), detail: "d".to_owned() };
    assert!(ring.append(std::slice::from_ref(&next)).is_ok(), "the ring cannot go on");
    drop(ring);
    let mut wanted = kept;
    wanted.push(next);
    assert_eq!(events_of(folder.path()), wanted, "the ring lost something");
}

fn is_taken(event: &Event) -> bool {
    let upload = EventUpload::Events { ring: RING, first_id: 1, events: vec![event.clone()] };
    let mut frame = BytesMut::new();
    FrameCodec.encode(Message::Upload(upload.clone()), &mut frame).is_ok()
        && FrameCodec.decode(&mut frame).is_ok_and(|message| message == Some(Message::Upload(upload)))
}

fn records_of(mut contents: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    for id in 1.. {
        let Some((length, rest)) = contents.split_first() else { break };
        let Some((content, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        record::seal(RING, id, content, &mut file);
        contents = rest;
    }
    file
}

fn events_of(folder: &Path) -> Vec<Event> {
    let Ok(ring) = Ring::open(folder, CAPACITY) else { panic!("the ring does not open") };
    let span = ring.span();
    let Ok(events) = ring.read(span.oldest, usize::MAX) else { panic!("the ring cannot be read") };
    assert_eq!(span.oldest + events.len() as u64, span.newest + 1, "its span is not what it holds");
    events
}

/// What the fuzzer begins with.
#[cfg(test)]
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut file = vec![0];
    for id in 1..=3 {
        let event = Event { time_unix_ms: id, code: 4865, user_id: "7".to_owned(), detail: "door 1".to_owned() };
        record::write(RING, id, &event, &mut file);
    }
    let torn = file[..file.len() - 5].to_vec();
    let content = [&[0; 12][..], &[1], b"7door 1"].concat();
    let contents = [&[1, 20][..], &content, &[20], &content].concat();
    let long = [&[0; 12][..], &[70], &[b'7'; 70], b"a\nb"].concat();
    let texts_no_server_takes = [&[1, 86][..], &long].concat();
    vec![("file", file), ("torn", torn), ("contents", contents), ("texts-no-server-takes", texts_no_server_takes)]
}
