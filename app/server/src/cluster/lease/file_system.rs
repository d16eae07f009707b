//! Which file systems a shared database may lie on.
//!
//! A lock protects the database only if a server that lost it can write no more. On a disk that one machine at a time
//! mounts, or on a cluster file system that fences by itself, that is so. A network file system may take a lock away from
//! a machine that it cannot reach, and go on accepting what that machine writes later: there, only a fencing hook helps.

use rustix::fs::statfs;
use std::path::{Path, PathBuf};

/// Why a shared database cannot lie there.
#[derive(Debug, thiserror::Error)]
pub enum FileSystemError {
    /// A network file system without a fencing hook.
    #[error(
        "{0} lies on {1}, a network file system: it may take the lock away from a server that it cannot reach and still \
         accept what that server writes, which destroys the database. Use a disk that one server at a time mounts or a \
         cluster file system, or configure --shared-fence with a command that switches the other server off"
    )]
    Unfenced(PathBuf, &'static str),
    /// One that cannot lock or lives in one process.
    #[error("{0} lies on {1}, which SQLite cannot share safely")]
    Unsafe(PathBuf, &'static str),
    /// The system said no.
    #[error("the file system of {0} cannot be examined: {1}")]
    Unknown(PathBuf, std::io::Error),
}

const NFS: u64 = 0x6969;
const SMB: u64 = 0x517b;
const SMB2: u64 = 0xfe53_4d42;
const CIFS: u64 = 0xff53_4d42;
const FUSE: u64 = 0x6573_5546;
const CEPH: u64 = 0x00c3_6400;
const AFS: u64 = 0x5346_414f;
const NINE_P: u64 = 0x0102_1997;

/// Refuses a folder whose file system does not keep two servers apart.
///
/// # Errors
///
/// Which rule is broken, with what to do.
pub fn check_file_system(folder: &Path, fenced: bool) -> Result<(), FileSystemError> {
    let found = statfs(folder).map_err(|error| FileSystemError::Unknown(folder.to_owned(), error.into()))?;
    // Wide enough for every platform's type; the names are 32 bits.
    let kind = (found.f_type as u64) & 0xffff_ffff;
    judge(folder, kind, fenced)
}

fn judge(folder: &Path, kind: u64, fenced: bool) -> Result<(), FileSystemError> {
    let network = match kind {
        NFS => "NFS",
        SMB | SMB2 | CIFS => "SMB",
        CEPH => "CephFS",
        FUSE => "FUSE",
        AFS => return Err(FileSystemError::Unsafe(folder.to_owned(), "AFS")),
        NINE_P => return Err(FileSystemError::Unsafe(folder.to_owned(), "9P")),
        _ => return Ok(()),
    };
    if fenced { Ok(()) } else { Err(FileSystemError::Unfenced(folder.to_owned(), network)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_file_system_needs_a_fence() {
        let folder = Path::new("/shared");
        for kind in [NFS, SMB, SMB2, CIFS, FUSE, CEPH] {
            assert!(matches!(judge(folder, kind, false), Err(FileSystemError::Unfenced(..))), "{kind:x}");
            assert!(judge(folder, kind, true).is_ok(), "{kind:x}");
        }
        for kind in [AFS, NINE_P] {
            assert!(matches!(judge(folder, kind, true), Err(FileSystemError::Unsafe(..))), "{kind:x}");
        }
        let (ext4, xfs, gfs2) = (0xef53, 0x5846_5342, 0x0116_1970);
        for kind in [ext4, xfs, gfs2] {
            assert!(judge(folder, kind, false).is_ok(), "{kind:x}");
        }
    }

    #[test]
    fn a_folder_of_this_machine_is_examined() {
        assert!(check_file_system(&std::env::temp_dir(), true).is_ok());
        assert!(matches!(check_file_system(Path::new("/nowhere at all"), true), Err(FileSystemError::Unknown(..))));
    }
}
