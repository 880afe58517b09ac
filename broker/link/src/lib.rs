//! The only MQTT clients: outbox to frames to acknowledgements, and back.
