//! The centre's screens: who is getting worse, who fell silent.
