//! Frames to journal to acknowledgement, and the journal's consumers.
