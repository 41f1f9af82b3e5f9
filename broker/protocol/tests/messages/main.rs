//! All messages and records at once: against Kafka's own encoders, against another codec, and by
//! properties.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests read files")]

mod differential;
mod hostile;
mod oracle;
mod refusals;
mod round_trip;
mod samples;
mod wire_values;
