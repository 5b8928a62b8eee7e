//! What the index keeps in `SQLite`: the vectors, the last write that was applied, and the writes
//! that wait. Nothing here awaits, so the Durable Object commits each request as a whole.
//!
//! Writes wait in the order in which they came, and each at least as long as the one before it:
//! Vectorize, too, applies them from a log.

use std::fmt::Write as _;

use serde_json::Map;
use worker::{Result, SqlStorage, SqlStorageValue as Sql, js_sys};

use crate::{
    index::{Change, Index, Vector},
    wire::{Processed, Write},
};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS vectors (
        id TEXT PRIMARY KEY, namespace TEXT, metadata TEXT, indexed TEXT, vector BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS processed (
        one INTEGER PRIMARY KEY CHECK (one = 1), mutation TEXT NOT NULL, datetime TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS waiting (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL, mutation TEXT NOT NULL, due INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS waiting_vectors (
        write INTEGER NOT NULL, id TEXT NOT NULL, namespace TEXT, metadata TEXT, indexed TEXT,
        vector BLOB NOT NULL
    );";

/// The database of one index.
pub(crate) struct Storage {
    sql: SqlStorage,
}

/// A write that waits.
struct Waiting {
    number: i64,
    kind: String,
    mutation: String,
    due: u64,
}

impl Storage {
    pub(crate) fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }

    /// Fills an empty index with what is stored, making the tables where there are none.
    pub(crate) fn load(&self, index: &mut Index) -> Result<()> {
        self.make_tables()?;
        let rows =
            self.sql.exec("SELECT id, namespace, metadata, indexed, vector FROM vectors", None)?;
        for row in rows.raw() {
            let vector = read_row(row?)?;
            if vector.values.len() != index.config().dimensions {
                return Err(
                    "the stored vectors have other DIMENSIONS; start with a new state".into()
                );
            }
            index.apply(Change::Put(vector));
        }
        Ok(())
    }

    fn make_tables(&self) -> Result<()> {
        self.sql.exec(TABLES, None)?;
        // Tables of a version before metadata indexes stay in use.
        let column = "SELECT COUNT(*) FROM pragma_table_info('vectors') WHERE name = 'indexed'";
        if let [Sql::Integer(0)] = self.first(column)?[..] {
            self.sql.exec("ALTER TABLE vectors ADD COLUMN indexed TEXT", None)?;
        }
        Ok(())
    }

    /// Accepts a write, to be applied so many milliseconds from now, and returns its mutation
    /// id. What is due must have been applied.
    pub(crate) fn accept(
        &self,
        index: &mut Index,
        write: Write,
        now: u64,
        late_ms: u32,
    ) -> Result<String> {
        let mutation = mutation_id()?;
        let due = (now + u64::from(late_ms)).max(self.last_due()?);
        if due <= now {
            self.apply(index, write, &mutation, now)?;
        } else {
            self.enqueue(write, &mutation, due)?;
        }
        Ok(mutation)
    }

    /// Applies the writes that are due.
    pub(crate) fn apply_due(&self, index: &mut Index, now: u64) -> Result<()> {
        let select =
            "SELECT number, kind, mutation, due FROM waiting WHERE due <= ? ORDER BY number";
        // Gathered first: a cursor must not be open while its tables change.
        let rows = self.sql.exec(select, vec![integer(now)])?.raw();
        let due: Vec<Waiting> = rows.map(|row| read_waiting(row?)).collect::<Result<_>>()?;
        due.into_iter().try_for_each(|waiting| self.apply_waiting(index, &waiting))
    }

    /// Applies all writes that wait.
    pub(crate) fn hurry(&self, index: &mut Index, now: u64) -> Result<()> {
        self.sql.exec("UPDATE waiting SET due = ?", vec![integer(now)])?;
        self.apply_due(index, now)
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

    /// To disk, then to memory.
    fn apply(&self, index: &mut Index, write: Write, mutation: &str, at: u64) -> Result<()> {
        let changes = write.changes(index);
        for change in &changes {
            match change {
                Change::Put(vector) => self.sql.exec(
                    "INSERT OR REPLACE INTO vectors (id, namespace, metadata, indexed, vector)
                     VALUES (?, ?, ?, ?, ?)",
                    write_row(vector)?,
                )?,
                Change::Remove(id) => {
                    self.sql.exec("DELETE FROM vectors WHERE id = ?", vec![id.as_str().into()])?
                }
            };
        }
        self.sql.exec(
            "INSERT OR REPLACE INTO processed (one, mutation, datetime) VALUES (1, ?, ?)",
            vec![mutation.into(), iso(at).into()],
        )?;
        for change in changes {
            index.apply(change);
        }
        Ok(())
    }

    fn enqueue(&self, write: Write, mutation: &str, due: u64) -> Result<()> {
        let (kind, vectors) = match write {
            Write::Insert(vectors) => ("insert", vectors),
            Write::Upsert(vectors) => ("upsert", vectors),
            Write::Delete(ids) => ("delete", ids.into_iter().map(Vector::bare).collect()),
        };
        self.sql.exec(
            "INSERT INTO waiting (kind, mutation, due) VALUES (?, ?, ?)",
            vec![kind.into(), mutation.into(), integer(due)],
        )?;
        for vector in vectors {
            self.sql.exec(
                "INSERT INTO waiting_vectors (write, id, namespace, metadata, indexed, vector)
                 SELECT MAX(number), ?, ?, ?, ?, ? FROM waiting",
                write_row(&vector)?,
            )?;
        }
        Ok(())
    }

    fn apply_waiting(&self, index: &mut Index, waiting: &Waiting) -> Result<()> {
        let number = || vec![Sql::Integer(waiting.number)];
        let select = "SELECT id, namespace, metadata, indexed, vector FROM waiting_vectors
                      WHERE write = ? ORDER BY rowid";
        let rows = self.sql.exec(select, number())?.raw();
        let vectors: Vec<Vector> = rows.map(|row| read_row(row?)).collect::<Result<_>>()?;
        let write = match waiting.kind.as_str() {
            "insert" => Write::Insert(vectors),
            "upsert" => Write::Upsert(vectors),
            "delete" => Write::Delete(vectors.into_iter().map(|vector| vector.id).collect()),
            _ => return Err("a write of an unknown kind waits".into()),
        };
        self.apply(index, write, &waiting.mutation, waiting.due)?;
        self.sql.exec("DELETE FROM waiting_vectors WHERE write = ?", number())?;
        self.sql.exec("DELETE FROM waiting WHERE number = ?", number())?;
        Ok(())
    }

    /// When the last of the writes that wait is due; 0 when none does.
    fn last_due(&self) -> Result<u64> {
        Ok(match self.first("SELECT MAX(due) FROM waiting")?.into_iter().next() {
            Some(Sql::Integer(due)) => due as u64,
            _ => 0,
        })
    }

    fn first(&self, select: &str) -> Result<Vec<Sql>> {
        Ok(self.sql.exec(select, None)?.raw().next().transpose()?.unwrap_or_default())
    }
}

/// Milliseconds since 1970 are far from where JavaScript's integers end.
fn integer(milliseconds: u64) -> Sql {
    Sql::Integer(milliseconds as i64)
}

fn iso(milliseconds: u64) -> String {
    js_sys::Date::new(&(milliseconds as f64).into()).to_iso_string().into()
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
            Ok(Waiting { number, kind, mutation, due: due as u64 })
        }
        _ => Err("a write that waits has unknown columns".into()),
    }
}

fn write_row(vector: &Vector) -> Result<Vec<Sql>> {
    let json = |object: Option<&Map<_, _>>| object.map(serde_json::to_string).transpose();
    let indexed = Some(&vector.indexed).filter(|indexed| !indexed.is_empty());
    let bytes: Vec<u8> = vector.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok(vec![
        vector.id.as_str().into(),
        vector.namespace.clone().into(),
        json(vector.metadata.as_ref())?.into(),
        json(indexed)?.into(),
        bytes.into(),
    ])
}

fn read_row(row: Vec<Sql>) -> Result<Vector> {
    let Ok([Sql::String(id), namespace, metadata, indexed, Sql::Blob(bytes)]) =
        <[_; 5]>::try_from(row)
    else {
        return Err("a stored vector has unknown columns".into());
    };
    let object = |value| text_of(value).map(|text| serde_json::from_str(&text)).transpose();
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(Vector {
        id,
        values: numbers.iter().map(|number| f32::from_le_bytes(*number)).collect(),
        namespace: text_of(namespace),
        metadata: object(metadata)?,
        indexed: object(indexed)?.unwrap_or_default(),
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
            indexed: serde_json::json!({"n": 1.5}).as_object().cloned().unwrap(),
        };
        assert_eq!(read_row(write_row(&vector).unwrap()).unwrap(), vector);
        let bare = Vector { namespace: None, metadata: None, indexed: Map::new(), ..vector };
        assert_eq!(read_row(write_row(&bare).unwrap()).unwrap(), bare);
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
