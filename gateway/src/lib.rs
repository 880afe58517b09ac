//! Reads devices at home and keeps every reading until ingest has it.
