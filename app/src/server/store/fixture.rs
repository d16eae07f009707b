//! What tests do to a database from outside.

use super::BOOK_FILE;
use sqlx::{Connection as _, SqliteConnection};
use std::path::Path;

/// Another program that holds the book's write lock until it is dropped.
pub(in crate::server) struct BookLock(#[expect(dead_code, reason = "held, never read")] SqliteConnection);

/// Takes the write lock of the book in `folder`.
pub(in crate::server) async fn lock_book(folder: &Path) -> BookLock {
    let mut connection = SqliteConnection::connect(&folder.join(BOOK_FILE).display().to_string()).await.unwrap();
    sqlx::query("begin immediate").execute(&mut connection).await.unwrap();
    BookLock(connection)
}

/// Copies the book of one data folder to another that has none.
pub(in crate::server) async fn copy_book(from: &Path, to: &Path) {
    let mut connection = SqliteConnection::connect(&from.join(BOOK_FILE).display().to_string()).await.unwrap();
    let file = to.join(BOOK_FILE).display().to_string();
    sqlx::query("vacuum into $1").bind(file).execute(&mut connection).await.unwrap();
}
