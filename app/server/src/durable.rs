//! Files that are either whole or not there, whatever moment the power goes, and what they hold.

use aws_lc_rs::digest::{Context, SHA256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

const CHUNK: usize = 64 << 10;

/// Writes `bytes` to `file`, readable by this server's user alone, replacing what was there in one step.
///
/// # Errors
///
/// The disk's; then the old content stands.
pub fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut next = file.as_os_str().to_owned();
    next.push(".next");
    let mut writer = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
    writer.write_all(bytes)?;
    writer.sync_all()?;
    rename(Path::new(&next), file)
}

/// Gives a file that is on disk its final name, replacing what had it.
///
/// # Errors
///
/// The disk's; then the old name stands.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Makes a folder that only this server's user can enter, unless it is there.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Copies everything, and says its SHA-256 in hexadecimal and its size in bytes.
///
/// # Errors
///
/// Either's.
pub fn copy_hashed(from: &mut impl Read, to: &mut impl Write) -> io::Result<(String, u64)> {
    let mut context = Context::new(&SHA256);
    let mut chunk = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            return Ok((hex::encode(context.finish()), size));
        }
        context.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
        size += read as u64;
    }
}

/// SHA-256 of a file in hexadecimal, and its size in bytes.
pub fn hash_of(file: &Path) -> io::Result<(String, u64)> {
    copy_hashed(&mut File::open(file)?, &mut io::sink())
}
