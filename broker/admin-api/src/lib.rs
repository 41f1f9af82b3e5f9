//! What a node says about itself over gRPC, for whoever looks after it.
//!
//! Owns the proto file `taffrail.node.v1` and what is generated from it: the messages always, the client with the
//! feature `client`, the server's trait with the feature `server`.
//!
//! Architecture Invariant: fields and calls are only ever added, since a node and an operator of different versions
//! talk to each other.
//!
//! Deliberately absent: anything that changes a node, and any policy of connecting, timeouts or TLS.

/// Version 1 of the interface.
pub mod v1 {
    #![allow(
        missing_docs,
        clippy::all,
        clippy::allow_attributes_without_reason,
        clippy::cast_lossless,
        clippy::needless_pass_by_value,
        reason = "generated from the proto file, whose comments are the documentation"
    )]

    tonic::include_proto!("taffrail.node.v1");
}

/// Partitions in one message of `GetLoad`, at most: some 100 KB.
pub const LOAD_PARTITIONS_MAX: usize = 1000;
/// Topics that one `GetLoad` may name.
pub const LOAD_TOPICS_MAX: usize = 1000;
/// Logs that `GetRecovery` names, at most.
pub const RECOVERY_CURRENT_MAX: usize = 64;
/// The largest question that a node reads.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
