//! What can be done to a resource.

/// An operation, with Kafka's number for it (`AclOperation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum Operation {
    /// Fetch, or read offsets and membership of a group.
    Read = 3,
    /// Produce.
    Write = 4,
    /// Create topics.
    Create = 5,
    /// Delete topics, groups or records.
    Delete = 6,
    /// Add partitions, and change reassignments.
    Alter = 7,
    /// See that it exists, and its offsets.
    Describe = 8,
    /// What only brokers do, and shutting them down.
    ClusterAction = 9,
    /// See its configuration.
    DescribeConfigs = 10,
    /// Change its configuration.
    AlterConfigs = 11,
    /// Produce idempotently.
    IdempotentWrite = 12,
    /// Create delegation tokens for another.
    CreateTokens = 13,
    /// See delegation tokens of another.
    DescribeTokens = 14,
    /// Finish a transaction from outside (KIP-939).
    TwoPhaseCommit = 15,
}

impl Operation {
    const ALL: [Self; 13] = [
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Delete,
        Self::Alter,
        Self::Describe,
        Self::ClusterAction,
        Self::DescribeConfigs,
        Self::AlterConfigs,
        Self::IdempotentWrite,
        Self::CreateTokens,
        Self::DescribeTokens,
        Self::TwoPhaseCommit,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }

    /// The bits by which responses say what the asker may do to a resource (`authorized_operations`, KIP-430).
    #[must_use]
    pub fn mask(allowed: impl Fn(Self) -> bool) -> i32 {
        Self::ALL
            .into_iter()
            .filter(|operation| allowed(*operation))
            .fold(0, |mask, operation| mask | 1 << operation.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_one_bit_per_operation() {
        assert_eq!(Operation::mask(|_| false), 0);
        assert_eq!(Operation::mask(|operation| operation == Operation::Read), 0b1000);
        let all = Operation::mask(|_| true);
        assert_eq!(all, 0b1111_1111_1111_1000);
    }
}
