//! One SQL text for both engines: its values are kept until it is known on which one it runs.

use super::database::{Database, Transaction, begin};
use sqlx::{
    Arguments, AssertSqlSafe, SqlSafeStr, SqlStr, Sqlite,
    postgres::{PgArguments, PgRow, Postgres},
    sqlite::{SqliteArguments, SqliteRow},
};
use std::marker::PhantomData;

/// A value that a statement takes. Numbers are always 64 bits: PostgreSQL compares no others with its columns.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
    Truth(bool),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident($value:ident) $make:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant($make)
            }
        })*
    };
}

value_from! {
    i64 => Integer(value) Some(value);
    &i64 => Integer(value) Some(*value);
    Option<i64> => Integer(value) value;
    u8 => Integer(value) Some(i64::from(value));
    u16 => Integer(value) Some(i64::from(value));
    u32 => Integer(value) Some(i64::from(value));
    &u32 => Integer(value) Some(i64::from(*value));
    Option<u32> => Integer(value) value.map(i64::from);
    &str => Text(value) Some(value.to_owned());
    String => Text(value) Some(value);
    &String => Text(value) Some(value.clone());
    Option<&str> => Text(value) value.map(str::to_owned);
    Option<String> => Text(value) value;
    &Option<String> => Text(value) value.clone();
    &[u8] => Blob(value) Some(value.to_vec());
    &Vec<u8> => Blob(value) Some(value.clone());
    &Option<Vec<u8>> => Blob(value) value.clone();
    bool => Truth(value) value;
}

/// What a row becomes, whichever engine it comes from.
pub(crate) trait Record:
    for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where T: for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin {}

/// Where a statement runs: by itself, or in a transaction.
pub(crate) enum On<'a> {
    Database(&'a Database),
    Transaction(&'a mut Transaction),
}

impl<'a> From<&'a Database> for On<'a> {
    fn from(database: &'a Database) -> Self {
        Self::Database(database)
    }
}

impl<'a> From<&'a mut Transaction> for On<'a> {
    fn from(transaction: &'a mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    text: SqlStr,
    /// The same with parameters that have no names. SQLite's driver looks every name up in a list of all of them, which
    /// takes longer than the statement if there are hundreds.
    nameless: Option<SqlStr>,
    values: Vec<Value>,
}

/// A statement whose rows become `T`.
pub(crate) struct QueryAs<T> {
    query: Query,
    row: PhantomData<fn() -> T>,
}

/// A statement whose rows have one column, which becomes `T`.
pub(crate) struct QueryScalar<T>(QueryAs<(T,)>);

/// What a statement did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    rows: u64,
}

impl Done {
    /// How many rows it wrote or removed.
    pub(crate) fn rows_affected(self) -> u64 {
        self.rows
    }
}

/// A statement that answers no rows.
pub(crate) fn query(text: impl SqlSafeStr) -> Query {
    Query { text: text.into_sql_str(), nameless: None, values: Vec::new() }
}

/// A statement that answers rows.
pub(crate) fn query_as<T: Record>(text: impl SqlSafeStr) -> QueryAs<T> {
    query(text).rows()
}

/// A statement that answers rows of one column.
pub(crate) fn query_scalar<T>(text: impl SqlSafeStr) -> QueryScalar<T>
where
    (T,): Record,
{
    QueryScalar(query_as(text))
}

/// Runs `$fetch` of the statement on whatever `$on` is.
macro_rules! fetch {
    ($self:ident, $on:ident, $fetch:ident) => {{
        let Query { text, nameless, values } = $self.query;
        match $on.into() {
            On::Database(Database::Sqlite(pool)) => {
                let text = nameless.unwrap_or(text);
                sqlx::query_as_with::<Sqlite, T, _>(text, arguments::<SqliteArguments>(values)?).$fetch(pool).await
            }
            On::Database(Database::Postgres(pool)) => {
                sqlx::query_as_with::<Postgres, T, _>(text, arguments::<PgArguments>(values)?).$fetch(pool).await
            }
            On::Transaction(Transaction::Sqlite(turn)) => {
                let text = nameless.unwrap_or(text);
                let query = sqlx::query_as_with::<Sqlite, T, _>(text, arguments::<SqliteArguments>(values)?);
                query.$fetch(&mut **turn).await
            }
            On::Transaction(Transaction::Postgres(turn)) => {
                let query = sqlx::query_as_with::<Postgres, T, _>(text, arguments::<PgArguments>(values)?);
                query.$fetch(&mut **turn).await
            }
        }
    }};
}

impl Query {
    /// Gives it the value of its next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    fn rows<T: Record>(self) -> QueryAs<T> {
        QueryAs { query: self, row: PhantomData }
    }

    /// Runs it. By itself it is a transaction that writes, with all that goes with one.
    pub(crate) async fn execute(self, on: impl Into<On<'_>>) -> Result<Done, sqlx::Error> {
        match on.into() {
            On::Database(Database::Sqlite(pool)) => {
                let text = self.nameless.unwrap_or(self.text);
                let done = sqlx::query_with(text, arguments::<SqliteArguments>(self.values)?).execute(pool).await?;
                Ok(Done { rows: done.rows_affected() })
            }
            On::Database(database @ Database::Postgres(_)) => {
                let mut transaction = begin(database).await?;
                let done = self.execute_in(&mut transaction).await?;
                transaction.commit().await?;
                Ok(done)
            }
            On::Transaction(transaction) => self.execute_in(transaction).await,
        }
    }

    async fn execute_in(self, transaction: &mut Transaction) -> Result<Done, sqlx::Error> {
        let Self { text, nameless, values } = self;
        let rows = match transaction {
            Transaction::Sqlite(turn) => {
                let query = sqlx::query_with(nameless.unwrap_or(text), arguments::<SqliteArguments>(values)?);
                query.execute(&mut **turn).await?.rows_affected()
            }
            Transaction::Postgres(turn) => {
                let query = sqlx::query_with(text, arguments::<PgArguments>(values)?);
                query.execute(&mut **turn).await?.rows_affected()
            }
        };
        Ok(Done { rows })
    }
}

impl<T: Record> QueryAs<T> {
    /// Gives it the value of its next parameter.
    pub(crate) fn bind(self, value: impl Into<Value>) -> Self {
        Self { query: self.query.bind(value), ..self }
    }

    /// All rows.
    pub(crate) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<T>, sqlx::Error> {
        fetch!(self, on, fetch_all)
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<T>, sqlx::Error> {
        fetch!(self, on, fetch_optional)
    }

    /// The first row, which must be there.
    pub(crate) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<T, sqlx::Error> {
        fetch!(self, on, fetch_one)
    }
}

impl<T> QueryScalar<T>
where
    (T,): Record,
{
    /// Gives it the value of its next parameter.
    pub(crate) fn bind(self, value: impl Into<Value>) -> Self {
        Self(self.0.bind(value))
    }

    /// The column of all rows.
    pub(crate) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<T>, sqlx::Error> {
        Ok(self.0.fetch_all(on).await?.into_iter().map(|(value,)| value).collect())
    }

    /// The column of the first row, if there is one.
    pub(crate) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<T>, sqlx::Error> {
        Ok(self.0.fetch_optional(on).await?.map(|(value,)| value))
    }

    /// The column of the first row, which must be there.
    pub(crate) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<T, sqlx::Error> {
        Ok(self.0.fetch_one(on).await?.0)
    }
}

/// A statement that is put together from parts; no part may come from outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Builder {
    text: String,
    nameless: String,
    values: Vec<Value>,
}

impl Builder {
    /// Begins with this text.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), nameless: text.to_owned(), values: Vec::new() }
    }

    /// Goes on with this text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self.nameless.push_str(text);
        self
    }

    /// Goes on with a parameter that has this value.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self.nameless.push('?');
        self
    }

    /// Goes on with parameters that have these values, separated by commas.
    pub(crate) fn push_list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (value, nth) in values.into_iter().zip(0_usize..) {
            self.push(if nth == 0 { "" } else { ", " }).push_bind(value);
        }
        self
    }

    /// The statement.
    pub(crate) fn build(self) -> Query {
        let nameless = Some(AssertSqlSafe(self.nameless).into_sql_str());
        Query { text: AssertSqlSafe(self.text).into_sql_str(), nameless, values: self.values }
    }

    /// The statement, whose rows become `T`.
    pub(crate) fn build_as<T: Record>(self) -> QueryAs<T> {
        self.build().rows()
    }
}

fn arguments<A>(values: Vec<Value>) -> Result<A, sqlx::Error>
where
    A: Arguments,
    for<'q> Option<i64>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    for<'q> Option<String>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    for<'q> Option<Vec<u8>>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    for<'q> bool: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
{
    let mut arguments = A::default();
    for value in values {
        match value {
            Value::Integer(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Blob(value) => arguments.add(value),
            Value::Truth(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
