//! The node's configuration: `server.properties` and `--override` as given, then resolved once at start
//! into a typed [`ServerConfig`] that is passed on explicitly.
//!
//! Architecture Invariants:
//! - Keys and rules are Kafka's own; what is Taffrail's begins with `taffrail.`.
//! - A value that can't be honoured is refused with the key, the value and what is allowed; an unknown
//!   key is kept and warned about, as Kafka does.
//!
//! Deliberately absent: configuration that changes while the node runs. That is metadata's, which takes
//! these properties as its static layer.

mod endpoint;
mod error;
mod limits;
mod listeners;
mod log_dirs;
mod machine;
mod memory;
mod own_keys;
mod properties;
mod quorum;
mod server_config;

pub(crate) use endpoint::{Endpoint, ListenerName, SecurityProtocol};
pub(crate) use limits::NetworkLimits;
pub(crate) use listeners::Listener;
pub(crate) use log_dirs::LockedDirs;
pub(crate) use machine::Machine;
pub(crate) use memory::MemoryPlan;
pub(crate) use properties::Properties;
pub(crate) use server_config::{Roles, ServerConfig};
