//! Control records: what brokers write among the clients' records.

use super::error::BatchError;

/// What a control record says; its key carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlRecordType {
    /// The producer's transaction was aborted.
    Abort,
    /// The producer's transaction was committed.
    Commit,
    /// A leader's epoch began (KRaft).
    LeaderChange,
    /// A snapshot begins (KRaft).
    SnapshotHeader,
    /// A snapshot ends (KRaft).
    SnapshotFooter,
    /// The finalised `kraft.version` (KIP-853).
    KraftVersion,
    /// The set of voters (KIP-853).
    KraftVoters,
    /// A type from a newer version, to be passed over.
    Unknown(i16),
}

impl ControlRecordType {
    /// The type with this id.
    #[must_use]
    pub const fn from_id(id: i16) -> Self {
        match id {
            0 => Self::Abort,
            1 => Self::Commit,
            2 => Self::LeaderChange,
            3 => Self::SnapshotHeader,
            4 => Self::SnapshotFooter,
            5 => Self::KraftVersion,
            6 => Self::KraftVoters,
            other => Self::Unknown(other),
        }
    }

    /// The id in the key.
    #[must_use]
    pub const fn id(self) -> i16 {
        match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::LeaderChange => 2,
            Self::SnapshotHeader => 3,
            Self::SnapshotFooter => 4,
            Self::KraftVersion => 5,
            Self::KraftVoters => 6,
            Self::Unknown(other) => other,
        }
    }

    /// Reads the key of a control record: a version and an id of 16 bits each. Newer versions of the key
    /// may be longer, and begin in the same way.
    ///
    /// # Errors
    /// [`BatchError::ControlKey`] for a key that is missing, short, or of a negative version.
    pub fn from_key(key: Option<&[u8]>) -> Result<Self, BatchError> {
        let key = key.ok_or(BatchError::ControlKey("it is null"))?;
        let [v0, v1, id0, id1] =
            *key.first_chunk().ok_or(BatchError::ControlKey("it has less than 4 bytes"))?;
        if i16::from_be_bytes([v0, v1]) < 0 {
            return Err(BatchError::ControlKey("its version is negative"));
        }
        Ok(Self::from_id(i16::from_be_bytes([id0, id1])))
    }

    /// The key of a control record of this type, in version 0.
    #[must_use]
    pub const fn key(self) -> [u8; 4] {
        let [id0, id1] = self.id().to_be_bytes();
        [0, 0, id0, id1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_both_ways() {
        for id in -1..9 {
            let control = ControlRecordType::from_id(id);
            assert_eq!(control.id(), id);
            assert_eq!(ControlRecordType::from_key(Some(&control.key())), Ok(control));
        }
        assert_eq!(
            ControlRecordType::from_key(Some(&[0, 9, 0, 1, 77])),
            Ok(ControlRecordType::Commit)
        );
        for bad in [None, Some(&[][..]), Some(&[0, 0, 1]), Some(&[0xff, 0xff, 0, 1])] {
            assert!(ControlRecordType::from_key(bad).is_err());
        }
    }
}
