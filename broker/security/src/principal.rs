//! Who is on the other end of a connection.

use std::fmt;
use std::str::FromStr;

/// A principal, such as `User:alice`. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// The kind, `User` for all that Kafka itself makes.
    pub principal_type: String,
    /// The name, such as `alice`, or a certificate's subject `CN=alice,O=example`.
    pub name: String,
}

impl Principal {
    /// The kind of all principals that Kafka itself makes.
    pub const USER: &'static str = "User";

    /// A user.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self { principal_type: Self::USER.to_owned(), name: name.to_owned() }
    }

    /// `User:ANONYMOUS`: whoever connects without saying who it is.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::user("ANONYMOUS")
    }

    /// The principals of a list such as `super.users`, which are separated by semicolons, since names of certificates
    /// contain commas.
    ///
    /// # Errors
    /// The first entry that isn't a principal.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, InvalidPrincipal> {
        list.split(';').map(str::trim).filter(|entry| !entry.is_empty()).map(str::parse).collect()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.principal_type, self.name)
    }
}

impl FromStr for Principal {
    type Err = InvalidPrincipal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((principal_type, name)) if !principal_type.is_empty() && !name.is_empty() => {
                Ok(Self { principal_type: principal_type.to_owned(), name: name.to_owned() })
            }
            _ => Err(InvalidPrincipal(text.to_owned())),
        }
    }
}

/// The text isn't a principal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a principal: 'type:name' is expected, such as 'User:alice'")]
pub struct InvalidPrincipal(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_a_type_and_a_name() {
        let check = |text: &str, expect: Option<(&str, &str)>| {
            let parsed: Option<Principal> = text.parse().ok();
            let expect = expect.map(|(principal_type, name)| Principal {
                principal_type: principal_type.to_owned(),
                name: name.to_owned(),
            });
            assert_eq!(parsed, expect, "{text:?}");
            if let Some(principal) = parsed {
                assert_eq!(principal.to_string(), text);
            }
        };
        check("User:alice", Some(("User", "alice")));
        check("User:CN=alice,OU=a:b", Some(("User", "CN=alice,OU=a:b")));
        check("Group:staff", Some(("Group", "staff")));
        check("alice", None);
        check(":alice", None);
        check("User:", None);
        check("", None);
        assert_eq!(Principal::anonymous().to_string(), "User:ANONYMOUS");
    }

    #[test]
    fn lists_are_separated_by_semicolons() {
        let check = |list: &str, expect: Result<Vec<Principal>, &str>| {
            let expect = expect.map_err(|entry| InvalidPrincipal(entry.to_owned()));
            assert_eq!(Principal::parse_list(list), expect, "{list:?}");
        };
        check("", Ok(Vec::new()));
        check(
            "User:a; User:CN=b,O=c;",
            Ok(vec![Principal::user("a"), Principal::user("CN=b,O=c")]),
        );
        check("User:a;b", Err("b"));
    }
}
