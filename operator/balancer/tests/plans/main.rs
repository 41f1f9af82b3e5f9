//! Plans for small clusters: each is verified step by step, and held against what it has to reach.

#[path = "../verifier/mod.rs"]
mod verifier;

mod carry_out;
mod scene;
mod statistics;

mod cases;
mod oracle;
mod properties;
mod rejects;
