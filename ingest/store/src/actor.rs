//! Who acts: a parameter of every access to data, never a global.
//!
//! An actor is an opaque reference; this crate never knows a person's name.

use std::fmt;

/// On whose behalf a transaction runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A part of the software acting by itself, by the name of its room: `"triage"`.
    System(&'static str),
    /// A member of staff, by the id of their row.
    Staff(i64),
    /// Someone at the command line, by the name of their account on the operating system.
    Command(String),
}

impl fmt::Display for Actor {
    /// `system:triage`, `staff:42`, `command:root`: the form stored in columns that say who.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(room) => write!(f, "system:{room}"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::Command(account) => write!(f, "command:{account}"),
        }
    }
}
