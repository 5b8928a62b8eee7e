//! What the index keeps in `SQLite`: the vectors, the last write that was applied, and the writes
//! that wait. Nothing here awaits, so the Durable Object commits each request as a whole.
//!
//! Writes are applied in the order in which they came, as Vectorize applies them from a log. So a
//! write that is not late waits for a late one before it.

use std::fmt::Write as _;

use worker::{Result, SqlStorage, SqlStorageValue as Sql, js_sys};

use crate::index::{Index, Vector, Write};
use crate::protocol::Processed;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS vectors (
        id TEXT PRIMARY KEY, namespace TEXT, metadata TEXT, vector BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS processed (
        one INTEGER PRIMARY KEY CHECK (one = 1), mutation TEXT NOT NULL, datetime TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS waiting (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL, mutation TEXT NOT NULL, due INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS waiting_vectors (
        write INTEGER NOT NULL, id TEXT NOT NULL, namespace TEXT, metadata TEXT,
        vector BLOB NOT NULL
    );";

/// The kinds of writes that wait, as the table names them.
const UPSERT: &str = "upsert";
const DELETE: &str = "delete";

/// The database of one index.
pub(crate) struct Storage {
    sql: SqlStorage,
}

/// A write that waits.
struct Waiting {
    number: i64,
    kind: String,
    mutation: String,
    due_ms: u64,
}

impl Storage {
    pub(crate) fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }

    /// Fills an empty index with what is stored, making the tables where there are none.
    pub(crate) fn load(&self, index: &mut Index) -> Result<()> {
        self.sql.exec(TABLES, None)?;
        let rows = self.sql.exec("SELECT id, namespace, metadata, vector FROM vectors", None)?;
        let vectors: Vec<Vector> = rows.raw().map(|row| read_row(row?)).collect::<Result<_>>()?;
        if vectors.iter().any(|vector| vector.values.len() != index.dimensions()) {
            return Err("the stored vectors have other DIMENSIONS; start with a new state".into());
        }
        index.apply(Write::Upsert(vectors));
        Ok(())
    }

    /// Accepts a write, to be applied in so many milliseconds, and returns its mutation id. The
    /// writes that are due must have been applied before.
    pub(crate) fn accept(
        &self,
        index: &mut Index,
        write: Write,
        now_ms: u64,
        late_ms: u32,
    ) -> Result<String> {
        let mutation = mutation_id()?;
        let due_ms = (now_ms + u64::from(late_ms)).max(self.last_due_ms()?);
        if due_ms <= now_ms {
            self.apply(index, write, &mutation, now_ms)?;
        } else {
            self.enqueue(write, &mutation, due_ms)?;
        }
        Ok(mutation)
    }

    /// Applies the writes that are due.
    pub(crate) fn apply_due(&self, index: &mut Index, now_ms: u64) -> Result<()> {
        let select =
            "SELECT number, kind, mutation, due FROM waiting WHERE due <= ? ORDER BY number";
        // Gathered first: a cursor must not be open while its tables change.
        let rows = self.sql.exec(select, vec![integer(now_ms)])?.raw();
        let due: Vec<Waiting> = rows.map(|row| read_waiting(row?)).collect::<Result<_>>()?;
        due.into_iter().try_for_each(|waiting| self.apply_waiting(index, &waiting))
    }

    /// Applies all writes that wait, due or not.
    pub(crate) fn apply_all(&self, index: &mut Index, now_ms: u64) -> Result<()> {
        self.sql.exec("UPDATE waiting SET due = ?", vec![integer(now_ms)])?;
        self.apply_due(index, now_ms)
    }

    /// How many writes wait.
    pub(crate) fn waiting(&self) -> Result<usize> {
        Ok(match self.first("SELECT COUNT(*) FROM waiting")?.into_iter().next() {
            Some(Sql::Integer(count)) => count as usize,
            _ => 0,
        })
    }

    /// The last write that was applied.
    pub(crate) fn processed(&self) -> Result<Processed> {
        let mut row = self.first("SELECT datetime, mutation FROM processed")?.into_iter();
        let mut text = || row.next().and_then(text_of);
        Ok(Processed { datetime: text(), mutation: text() })
    }

    /// Changes the disk, then the memory.
    fn apply(&self, index: &mut Index, write: Write, mutation: &str, now_ms: u64) -> Result<()> {
        match &write {
            Write::Upsert(vectors) => {
                for vector in vectors {
                    self.sql.exec(
                        "INSERT OR REPLACE INTO vectors (id, namespace, metadata, vector)
                         VALUES (?, ?, ?, ?)",
                        write_row(vector)?,
                    )?;
                }
            }
            Write::Delete(ids) => {
                for id in ids {
                    let id = vec![id.as_str().into()];
                    self.sql.exec("DELETE FROM vectors WHERE id = ?", id)?;
                }
            }
        }
        self.sql.exec(
            "INSERT OR REPLACE INTO processed (one, mutation, datetime) VALUES (1, ?, ?)",
            vec![mutation.into(), iso(now_ms).into()],
        )?;
        index.apply(write);
        Ok(())
    }

    fn enqueue(&self, write: Write, mutation: &str, due_ms: u64) -> Result<()> {
        let (kind, rows) = match write {
            Write::Upsert(vectors) => {
                (UPSERT, vectors.iter().map(write_row).collect::<Result<Vec<_>>>()?)
            }
            Write::Delete(ids) => (DELETE, ids.into_iter().map(id_row).collect()),
        };
        self.sql.exec(
            "INSERT INTO waiting (kind, mutation, due) VALUES (?, ?, ?)",
            vec![kind.into(), mutation.into(), integer(due_ms)],
        )?;
        for row in rows {
            self.sql.exec(
                "INSERT INTO waiting_vectors (write, id, namespace, metadata, vector)
                 SELECT MAX(number), ?, ?, ?, ? FROM waiting",
                row,
            )?;
        }
        Ok(())
    }

    fn apply_waiting(&self, index: &mut Index, waiting: &Waiting) -> Result<()> {
        let number = || vec![Sql::Integer(waiting.number)];
        let select = "SELECT id, namespace, metadata, vector FROM waiting_vectors
                      WHERE write = ? ORDER BY rowid";
        let rows = self.sql.exec(select, number())?.raw();
        let vectors: Vec<Vector> = rows.map(|row| read_row(row?)).collect::<Result<_>>()?;
        let write = match waiting.kind.as_str() {
            UPSERT => Write::Upsert(vectors),
            DELETE => Write::Delete(vectors.into_iter().map(|vector| vector.id).collect()),
            _ => return Err("a write of an unknown kind waits".into()),
        };
        self.apply(index, write, &waiting.mutation, waiting.due_ms)?;
        self.sql.exec("DELETE FROM waiting_vectors WHERE write = ?", number())?;
        self.sql.exec("DELETE FROM waiting WHERE number = ?", number())?;
        Ok(())
    }

    /// When the last of the writes that wait is due; 0 when none does.
    fn last_due_ms(&self) -> Result<u64> {
        Ok(match self.first("SELECT MAX(due) FROM waiting")?.into_iter().next() {
            Some(Sql::Integer(due_ms)) => due_ms as u64,
            _ => 0,
        })
    }

    fn first(&self, select: &str) -> Result<Vec<Sql>> {
        Ok(self.sql.exec(select, None)?.raw().next().transpose()?.unwrap_or_default())
    }
}

/// A time for the database, which has signed integers only. No time is so late that it matters.
fn integer(time_ms: u64) -> Sql {
    Sql::Integer(time_ms as i64)
}

fn iso(time_ms: u64) -> String {
    js_sys::Date::new(&(time_ms as f64).into()).to_iso_string().into()
}

fn text_of(value: Sql) -> Option<String> {
    match value {
        Sql::String(text) => Some(text),
        _ => None,
    }
}

fn read_waiting(row: Vec<Sql>) -> Result<Waiting> {
    match <[_; 4]>::try_from(row) {
        Ok([Sql::Integer(number), Sql::String(kind), Sql::String(mutation), Sql::Integer(due)]) => {
            Ok(Waiting { number, kind, mutation, due_ms: due as u64 })
        }
        _ => Err("a write that waits has unknown columns".into()),
    }
}

fn write_row(vector: &Vector) -> Result<Vec<Sql>> {
    let metadata = vector.metadata.as_ref().map(serde_json::to_string).transpose()?;
    let bytes: Vec<u8> = vector.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok(vec![
        vector.id.as_str().into(),
        vector.namespace.clone().into(),
        metadata.into(),
        bytes.into(),
    ])
}

/// A row for a deletion that waits: an id and nothing else.
fn id_row(id: String) -> Vec<Sql> {
    vec![id.into(), None::<String>.into(), None::<String>.into(), Vec::<u8>::new().into()]
}

fn read_row(row: Vec<Sql>) -> Result<Vector> {
    let Ok([Sql::String(id), namespace, metadata, Sql::Blob(bytes)]) = <[_; 4]>::try_from(row)
    else {
        return Err("a stored vector has unknown columns".into());
    };
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(Vector {
        id,
        values: numbers.iter().map(|number| f32::from_le_bytes(*number)).collect(),
        namespace: text_of(namespace),
        metadata: text_of(metadata).map(|text| serde_json::from_str(&text)).transpose()?,
    })
}

/// A random UUID, the form of Vectorize's mutation ids.
fn mutation_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    // Version 4, variant 1.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut uuid = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            uuid.push('-');
        }
        write!(uuid, "{byte:02x}").map_err(|error| error.to_string())?;
    }
    Ok(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_storage() {
        let vector = Vector {
            id: "a".into(),
            values: vec![0.1, -2.5e-38, 3.0e38],
            namespace: Some("n".into()),
            metadata: serde_json::json!({"name": "Žofie", "n": 1.5}).as_object().cloned(),
        };
        assert_eq!(read_row(write_row(&vector).unwrap()).unwrap(), vector);
        let bare = Vector { namespace: None, metadata: None, ..vector };
        assert_eq!(read_row(write_row(&bare).unwrap()).unwrap(), bare);
        assert_eq!(read_row(id_row("b".into())).unwrap().id, "b");
    }

    #[test]
    fn mutation_ids_are_random_uuids() {
        let (a, b) = (mutation_id().unwrap(), mutation_id().unwrap());
        assert_ne!(a, b);
        let parts: Vec<usize> = a.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&a[14..15], "4");
        assert!("89ab".contains(&a[19..20]));
    }
}
