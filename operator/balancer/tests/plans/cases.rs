//! Clusters by hand, one for each thing that a plan promises.

mod brokers;
mod capacity;
mod leaders;
mod log_dirs;
mod nothing;
mod racks;
mod replication_factor;
mod sets;
mod stranded_leaders;
mod topics;
