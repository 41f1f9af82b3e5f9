//! How an address is written.

use std::fmt::Display;

/// `host:port`, with an IPv6 address in brackets.
#[must_use]
pub fn join(host: &str, port: impl Display) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
