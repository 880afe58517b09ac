//! Columns and tables as the schemas of rooms write them: one word for each kind.
//!
//! Every number is 64 bits wide, because engines other than SQLite mind.

use sea_orm_migration::prelude::*;

/// The number of a row, given by the database from 1.
#[must_use]
pub fn id() -> ColumnDef {
    let mut id = ColumnDef::new("id");
    id.big_integer().not_null().auto_increment().primary_key();
    id
}

/// A text by which a row is known.
#[must_use]
pub fn key(name: &'static str) -> ColumnDef {
    let mut column = text(name);
    column.primary_key();
    column
}

/// A text.
#[must_use]
pub fn text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}

/// A text that may be absent.
#[must_use]
pub fn optional_text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text();
    column
}

/// A number.
#[must_use]
pub fn number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

/// A number that may be absent.
#[must_use]
pub fn optional(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

/// Yes or no.
#[must_use]
pub fn flag(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean().not_null();
    column
}

/// A table with these columns.
#[must_use]
pub fn table_of(name: &'static str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    table
}

/// An index over these columns of a table.
#[must_use]
pub fn index_of(
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}
