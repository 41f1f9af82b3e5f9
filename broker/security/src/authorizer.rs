//! The decision.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::operation::Operation;
use crate::principal::Principal;
use crate::resource::ResourcePattern;

/// Where a request comes from, as far as a decision cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestOrigin<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// From which address.
    pub client_address: IpAddr,
}

/// Whether it may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
}

impl Decision {
    /// Whether it may be done.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed)
    }
}

/// What decides. Cheap to ask; it is asked for every resource of every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorizer {
    /// None is configured: everybody may do everything.
    #[default]
    AllowAll,
    /// One is configured: only those of `super.users` may do anything.
    DenyByDefault {
        /// Who may do everything.
        super_users: BTreeSet<Principal>,
    },
}

impl Authorizer {
    /// Decides about one operation on one resource.
    pub fn authorize(
        &self,
        origin: RequestOrigin<'_>,
        _operation: Operation,
        _resource: ResourcePattern<'_>,
    ) -> Decision {
        match self {
            Self::AllowAll => Decision::Allowed,
            Self::DenyByDefault { super_users } if super_users.contains(origin.principal) => {
                Decision::Allowed
            }
            Self::DenyByDefault { .. } => Decision::Denied,
        }
    }

    /// The operations out of `supported` that are allowed on a resource, as bits (KIP-430).
    #[must_use]
    pub fn authorized_operations(
        &self,
        origin: RequestOrigin<'_>,
        supported: &[Operation],
        resource: ResourcePattern<'_>,
    ) -> i32 {
        Operation::mask(|operation| {
            supported.contains(&operation)
                && self.authorize(origin, operation, resource).is_allowed()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn configured_means_denied_by_default() {
        let admin = Principal::user("admin");
        let configured = Authorizer::DenyByDefault { super_users: BTreeSet::from([admin.clone()]) };
        let check = |authorizer: &Authorizer, principal: &Principal, expect: Decision| {
            let origin =
                RequestOrigin { principal, client_address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
            let resource = ResourcePattern::topic("orders");
            assert_eq!(authorizer.authorize(origin, Operation::Read, resource), expect);
            let bits = authorizer.authorized_operations(
                origin,
                &[Operation::Read, Operation::Write],
                resource,
            );
            assert_eq!(bits, if expect.is_allowed() { 0b11000 } else { 0 });
        };
        check(&Authorizer::default(), &Principal::anonymous(), Decision::Allowed);
        check(&configured, &admin, Decision::Allowed);
        check(&configured, &Principal::anonymous(), Decision::Denied);
        // The kind is part of who somebody is.
        let group = Principal { principal_type: "Group".to_owned(), name: "admin".to_owned() };
        check(&configured, &group, Decision::Denied);
    }
}
