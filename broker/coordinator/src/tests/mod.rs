//! The shard as a whole: scenarios as text (see [`script`]), and a simulation.

mod lifecycle;
mod membership;
mod offsets;
mod partition_log;
mod records;
mod render;
mod script;
mod simulation;
mod static_members;
