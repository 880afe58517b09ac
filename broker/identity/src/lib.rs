//! Who may speak over the broker: the identity file.
