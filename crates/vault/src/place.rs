//! Where a sealed value belongs; sealing binds it there.

use std::fmt;

/// A field of a row of a table. A value sealed for one place does not open at another, so that
/// nobody with access to the database alone can swap secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    table: String,
    row: String,
    field: String,
}

impl Place {
    /// Names a place; `row` is the row's key.
    pub fn new(table: &str, row: impl fmt::Display, field: &str) -> Self {
        Self {
            table: table.to_owned(),
            row: row.to_string(),
            field: field.to_owned(),
        }
    }

    /// Writes the place such that two different ones never give the same bytes.
    pub(crate) fn associated_data(&self, key_id: &str) -> Vec<u8> {
        let mut data = b"yunhai sealed v1".to_vec();
        for part in [key_id, &self.table, &self.row, &self.field] {
            data.extend((part.len() as u64).to_be_bytes());
            data.extend(part.as_bytes());
        }
        data
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.table, self.row, self.field)
    }
}
