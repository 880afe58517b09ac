//! E-mail, SMS, web push and webhooks: drains the deliveries that others decided.
//!
//! ```text
//! enqueue(key, addresses, message) → delivery, on disk → Courier: a lane a channel → a sender
//!     ▲ the same key twice is once                        │ accepted · deferred · abandoned
//! events_since → whoever follows                          ▼ receipt → received
//! ```
//! A delivery has the addresses of one person in the order in which they are tried. One that does
//! not take it is passed over at once for the next; when all were tried, those that may still do
//! are tried again after a pause that grows ([`Pace`]), until it was often enough. Each of these
//! steps is an event on the disk, in the order in which it happened, for whoever decided the
//! delivery. A channel that does not work is an [`Outage`], with its beginning and its end.
//!
//! **Sent at least once.** What happened is written after the channel took the message: a crash in
//! between sends it again. Its key goes with it, as `Message-ID` of an e-mail, `Idempotency-Key`
//! of a webhook, `Topic` of a web push; two SMS have the same words and the same link.
//!
//! **Nothing clinical leaves.** A message says that somebody waits, and has a link to a page that
//! asks who is there. Addresses are personal data: `Debug`, events, errors and logs have none.
//!
//! **Limits** stand beside their constants: waiting deliveries, attempts, messages an hour to one
//! person, the time and bytes of every call, the length of texts.
//!
//! **Deliberately absent**: deciding who is called and when (the diary's ladder and the roster
//! decide), templates, attachments, the incoming direction, and more than one courier at a record.

mod config;
mod courier;
mod events;
mod http;
mod message;
mod outages;
mod outbox;
pub mod probe;
mod retry;
mod rows;
mod schema;
mod senders;
mod settle;
mod sms_text;
mod standing;
mod withdraw;

pub use config::{Config, Email, EmailTls, Push, Sms, Webhook};
pub use courier::Courier;
pub use events::{EVENTS_MAX, Event, Happened, cursor, events_since, set_cursor};
pub use message::{Key, Message, MessageError};
pub use outages::{Outage, outages, see_to};
pub use outbox::{
    EnqueueError, Joined, NewDelivery, WAITING_MAX, abouts, enqueue, join, reached_nobody,
};
pub use retry::Pace;
pub use schema::SCHEMA;
pub use senders::{OpenError, Senders};
pub use settle::{Receipt, receipt};
pub use sms_text::{SmsText, SmsTextError};
pub use standing::{ChannelStanding, Standing, standing};
pub use withdraw::{waiting, withdraw};
