//! What the kind of a request tells: its versions, its headers, who serves it.

use crate::ApiKey;

/// What the schema knows about a kind of request.
pub(crate) struct ApiFacts {
    pub(crate) name: &'static str,
    pub(crate) versions: (i16, i16),
    pub(crate) latest_unstable: bool,
    pub(crate) flexible_from: Option<i16>,
    pub(crate) broker: bool,
    pub(crate) controller: bool,
}

impl ApiKey {
    /// The kind of that number.
    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL
            .binary_search_by_key(&code, |key| key.code())
            .ok()
            .and_then(|place| Self::ALL.get(place))
            .copied()
    }

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Kafka's name, such as `Produce`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The lowest version of Kafka 4.3.
    #[must_use]
    pub const fn min_version(self) -> i16 {
        self.facts().versions.0
    }

    /// The highest version of Kafka 4.3 that is stable: the highest that may be advertised.
    #[must_use]
    pub const fn max_version(self) -> i16 {
        self.facts().versions.1 - self.facts().latest_unstable as i16
    }

    /// Whether there is one version more, which may still change and is not advertised.
    #[must_use]
    pub const fn latest_version_is_unstable(self) -> bool {
        self.facts().latest_unstable
    }

    /// Whether the version has compact lengths and tagged fields (KIP-482). Defined for versions that
    /// don't exist, too: a header must be understood before its version can be refused.
    #[must_use]
    pub const fn is_flexible(self, version: i16) -> bool {
        match self.facts().flexible_from {
            Some(first) => version >= first,
            None => false,
        }
    }

    /// The version of the header before a request of that version.
    #[must_use]
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the header before a response of that version. That of ApiVersions stays at 0, so
    /// that a client can read it before it knows what the broker speaks (KIP-511).
    #[must_use]
    pub const fn response_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) && !matches!(self, Self::ApiVersions) { 1 } else { 0 }
    }

    /// Whether Kafka's brokers serve it.
    #[must_use]
    pub const fn is_served_by_brokers(self) -> bool {
        self.facts().broker
    }

    /// Whether Kafka's controllers serve it.
    #[must_use]
    pub const fn is_served_by_controllers(self) -> bool {
        self.facts().controller
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        for &key in ApiKey::ALL {
            assert_eq!(ApiKey::from_code(key.code()), Some(key));
            assert!(key.min_version() <= key.max_version(), "{key:?}");
        }
        // 4 to 7 are left of the time before KRaft.
        for code in [-1, 4, 5, 6, 7, 93, i16::MAX] {
            assert_eq!(ApiKey::from_code(code), None);
        }
        assert_eq!(ApiKey::ALL.len(), 89);
    }

    #[test]
    fn headers_follow_flexible_versions() {
        let check = |key: ApiKey, version, request, response| {
            assert_eq!(key.request_header_version(version), request);
            assert_eq!(key.response_header_version(version), response);
        };
        check(ApiKey::Produce, 8, 1, 0);
        check(ApiKey::Produce, 9, 2, 1);
        check(ApiKey::SaslHandshake, 1, 1, 0);
        check(ApiKey::ApiVersions, 2, 1, 0);
        check(ApiKey::ApiVersions, 4, 2, 0);
        check(ApiKey::ApiVersions, 99, 2, 0);
    }

    #[test]
    fn an_unstable_version_is_not_advertised() {
        assert!(ApiKey::InitProducerId.latest_version_is_unstable());
        assert_eq!(ApiKey::InitProducerId.max_version(), 5);
        assert_eq!(ApiKey::Fetch.max_version(), 18);
    }
}
