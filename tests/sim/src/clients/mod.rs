//! Those who use the node: they ask, remember what they were told, and compare it with what they find later.

mod admin;
mod consumer;
mod member;
mod producer;

pub(crate) use self::admin::Admin;
pub(crate) use self::consumer::Consumer;
pub(crate) use self::member::Member;
pub(crate) use self::producer::Producer;
