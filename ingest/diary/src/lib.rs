//! The patient diary, append-only.
