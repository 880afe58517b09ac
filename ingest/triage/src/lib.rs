//! The medical module: pure rules over readings.
