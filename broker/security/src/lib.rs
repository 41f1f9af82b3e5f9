//! Who may do what: principals and authorisation decisions.
//!
//! The one question of this room is [`Authorizer::authorize`]: may this principal, from this address, do this to that
//! resource? Everything that serves clients asks it, with or without an authoriser configured.
//!
//! Architecture Invariant: without an authoriser everything is allowed; with one everything is denied that isn't
//! allowed by name.
//!
//! Architecture Invariant: nothing here holds a secret, so nothing can show one.
//!
//! Deliberately absent: how a connection comes by its principal (the shell's), the storage of access control lists
//! (the metadata's), quotas, and logging of decisions, which the caller does since it knows the request.

mod authorizer;
mod operation;
mod principal;
mod resource;

pub use authorizer::{Authorizer, Decision, RequestOrigin};
pub use operation::Operation;
pub use principal::{InvalidPrincipal, Principal};
pub use resource::{ResourcePattern, ResourceType};
