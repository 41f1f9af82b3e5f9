//! The pure part of a cluster's reconcile: what is refused, what is made, and what is done when.

#![allow(clippy::needless_pass_by_value, reason = "tables of JSON read better so")]

mod fake;
mod golden;
mod life;
mod properties;
mod validation;
