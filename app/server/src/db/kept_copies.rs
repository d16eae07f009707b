//! The copies of the last days, for mistakes that are found late: a server that is stopped can go back to one.

use super::{
    Copies, CopyFlaw, DatabaseFacts, Manifest, SQLITE_MIGRATIONS, StoreError,
    activation::{copy_to_database, put_aside},
    copies::description_of,
    copy::{damaged, facts_of, open_read_only},
};
use crate::durable;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A copy that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCopy {
    /// Its file's name, by which it is restored.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
    /// When it arrived.
    pub arrived_at: SystemTime,
    /// Bytes.
    pub size: u64,
    /// What stands beside it, unless an earlier version of this program kept it.
    pub manifest: Option<Manifest>,
}

/// The newest copy of each of the last seven days, the newest first.
pub fn list_kept_copies(data: &Path, now: SystemTime) -> io::Result<Vec<KeptCopy>> {
    let copies = Copies::of(data);
    if !copies.folder().exists() {
        return Ok(Vec::new());
    }
    copies.dailies(now)?.iter().map(|name| kept_copy(&copies, name)).collect()
}

/// The copy of this name; `None` if there is none.
pub fn find_kept_copy(data: &Path, name: &str) -> io::Result<Option<KeptCopy>> {
    let copies = Copies::of(data);
    let plain = name.ends_with(".db") && !name.contains(['/', '\\']);
    if plain && copies.folder().join(name).exists() { kept_copy(&copies, name).map(Some) } else { Ok(None) }
}

fn kept_copy(copies: &Copies, name: &str) -> io::Result<KeptCopy> {
    let file = copies.folder().join(name);
    let manifest = match fs::read(description_of(&file)) {
        Ok(text) => Some(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let facts = fs::metadata(&file)?;
    Ok(KeptCopy { name: name.to_owned(), arrived_at: facts.modified()?, size: facts.len(), file, manifest })
}

/// What the copy holds, as the file itself says.
///
/// # Errors
///
/// It is damaged.
pub async fn read_kept_copy(copy: &KeptCopy) -> Result<DatabaseFacts, CopyFlaw> {
    let database = open_read_only(&copy.file).await.map_err(damaged)?;
    let facts = facts_of(&database).await.map_err(damaged);
    database.close().await;
    facts
}

/// Whether the copy is whole, what stands beside it says so, and it is of this installation.
///
/// # Errors
///
/// What is wrong with it, or the disk's.
pub async fn check_kept_copy(copy: &KeptCopy, installation: &str) -> Result<DatabaseFacts, CopyFlaw> {
    if let Some(manifest) = &copy.manifest {
        let file = copy.file.clone();
        let hashed = tokio::task::spawn_blocking(move || durable::hash_of(&file)).await;
        let (sha256, _) = hashed.map_err(io::Error::other).flatten()?;
        if sha256 != manifest.sha256 {
            return Err(CopyFlaw::Damaged("it is not what it was when it arrived".to_owned()));
        }
    }
    let database = open_read_only(&copy.file).await.map_err(damaged)?;
    let verdict = sqlx::query_scalar::<_, String>("pragma quick_check(1)").fetch_one(&database).await;
    database.close().await;
    match verdict.map_err(StoreError::from).map_err(damaged)? {
        whole if whole == "ok" => {}
        verdict => return Err(CopyFlaw::Damaged(verdict)),
    }
    let facts = read_kept_copy(copy).await?;
    if facts.installation_id != installation {
        return Err(CopyFlaw::Foreign(facts.installation_id));
    }
    if SQLITE_MIGRATIONS.iter().all(|migration| migration.version < facts.schema) {
        return Err(CopyFlaw::NewerSchema(facts.schema));
    }
    Ok(facts)
}

/// Makes the copy the database in `data`, which nobody uses; the answer is where the database is that was there, if one was.
pub async fn put_copy_in_place(data: &Path, copy: &KeptCopy) -> Result<Option<PathBuf>, CopyFlaw> {
    let archive = put_aside(data).await?;
    let (file, data) = (copy.file.clone(), data.to_owned());
    let copied = tokio::task::spawn_blocking(move || copy_to_database(&file, &data)).await;
    copied.map_err(io::Error::other).flatten()?;
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{DATABASE_FILE, Installation, Store, copy::adopt};

    /// A folder with one kept copy of a database with no changes.
    async fn kept() -> (tempfile::TempDir, KeptCopy) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let first = Installation {
            id: "site".to_owned(),
            epoch: 1,
            active_server: "one".to_owned(),
            created_at: "2026-01-01T00:00:00.000Z".to_owned(),
        };
        store.insert_installation(&first).await.unwrap();
        let copies = Copies::of(folder.path());
        let content = store.snapshot_database(&copies.incoming().unwrap()).await.unwrap();
        let sha256 = "ab".repeat(32);
        let manifest = Manifest { sha256, size: 0, taken_at: String::new(), generation: 1, content };
        adopt(&copies, &manifest, None).await.unwrap().close().await;
        store.close().await;
        let [copy]: [KeptCopy; 1] = list_kept_copies(folder.path(), SystemTime::now()).unwrap().try_into().unwrap();
        (folder, copy)
    }

    #[tokio::test]
    async fn a_copy_is_restored_if_it_is_what_it_was() {
        let (folder, copy) = kept().await;
        assert_eq!(check_kept_copy(&copy, "site").await.unwrap().epoch, 1);
        assert!(matches!(check_kept_copy(&copy, "other").await, Err(CopyFlaw::Foreign(_))));
        assert_eq!(find_kept_copy(folder.path(), &copy.name).unwrap(), Some(copy.clone()));
        for name in ["", "gone.db", "../biostar2.db", "current.json"] {
            assert_eq!(find_kept_copy(folder.path(), name).unwrap(), None, "{name}");
        }
        let archive = put_copy_in_place(folder.path(), &copy).await.unwrap().unwrap();
        assert!(archive.exists() && folder.path().join(DATABASE_FILE).exists());
        // The last byte of the file is in a page that SQLite's check may pass.
        let mut bytes = fs::read(&copy.file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&copy.file, bytes).unwrap();
        assert!(matches!(check_kept_copy(&copy, "site").await, Err(CopyFlaw::Damaged(_))));
    }
}
