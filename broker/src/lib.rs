//! The front door, and rumqttd behind it.
