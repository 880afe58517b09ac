//! What others may ask of ingest.
