//! Simulated homes whose devices speak their true protocols on ptys.
