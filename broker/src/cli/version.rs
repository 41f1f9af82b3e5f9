//! `taffrail version`.

/// The release of Apache Kafka whose protocol and file formats are spoken.
const KAFKA_RELEASE: &str = "4.3";

/// Prints what runs.
pub(super) fn run() {
    println!("taffrail {} (speaks Kafka {KAFKA_RELEASE})", env!("CARGO_PKG_VERSION"));
}
