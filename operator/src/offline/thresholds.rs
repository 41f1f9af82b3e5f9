//! Thresholds on the command line: one number for all, or numbers with names.

use std::fmt;
use std::str::FromStr;

use taffrail_balancer::{RESOURCES, Resource};

/// What a threshold is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Subject {
    /// A resource.
    Use(Resource),
    /// The number of replicas.
    Replicas,
    /// The number of leaders.
    Leaders,
    /// The replicas and the leaders of each topic.
    Topics,
}

impl Subject {
    const ALL: [Self; 7] = [
        Self::Use(Resource::Cpu),
        Self::Use(Resource::NetworkIn),
        Self::Use(Resource::NetworkOut),
        Self::Use(Resource::Disk),
        Self::Replicas,
        Self::Leaders,
        Self::Topics,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Use(resource) => resource.name(),
            Self::Replicas => "replicas",
            Self::Leaders => "leaders",
            Self::Topics => "topics",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `1.05`, or `disk=1.05`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Threshold {
    /// What it is about; none: whatever the flag is about when it says nothing.
    pub(super) subject: Option<Subject>,
    /// The number.
    pub(super) number: f64,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (subject, number) = match text.split_once('=') {
            Some((name, number)) => (Some(subject(name.trim())?), number.trim()),
            None => (None, text.trim()),
        };
        let number = number.parse().map_err(|_| format!("\"{number}\" is no number"))?;
        Ok(Self { subject, number })
    }
}

/// A threshold that says how far from the average use may be: 1 or more.
///
/// # Errors
/// If it isn't written like one.
pub(super) fn balance(text: &str) -> Result<Threshold, String> {
    let threshold: Threshold = text.parse()?;
    if threshold.number.is_finite() && threshold.number >= 1.0 {
        Ok(threshold)
    } else {
        Err("it is a multiple of the average, 1 or more, such as 1.10".to_owned())
    }
}

/// A threshold that is a share of the capacity of a resource: from 0 to 1.
///
/// # Errors
/// If it isn't written like one.
pub(super) fn share(text: &str) -> Result<Threshold, String> {
    let threshold: Threshold = text.parse()?;
    match threshold.subject {
        Some(other @ (Subject::Replicas | Subject::Leaders | Subject::Topics)) => Err(format!(
            "{other} have no capacity: there are {}",
            names(&Subject::ALL[..RESOURCES])
        )),
        _ if (0.0..=1.0).contains(&threshold.number) => Ok(threshold),
        _ => Err("it is a share of the capacity, from 0 to 1, such as 0.8".to_owned()),
    }
}

fn subject(name: &str) -> Result<Subject, String> {
    Subject::ALL
        .into_iter()
        .find(|subject| subject.name() == name)
        .ok_or_else(|| format!("\"{name}\" has no threshold: there are {}", names(&Subject::ALL)))
}

fn names(subjects: &[Subject]) -> String {
    subjects.iter().map(|subject| subject.name()).collect::<Vec<_>>().join(", ")
}

/// Puts shares where they belong; the later wins.
pub(super) fn set_shares(thresholds: &[Threshold], shares: &mut [f64; RESOURCES]) {
    for threshold in thresholds {
        match threshold.subject {
            Some(Subject::Use(resource)) => shares[resource as usize] = threshold.number,
            _ => *shares = [threshold.number; RESOURCES],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_or_one_with_a_name() {
        assert_eq!(balance("1.05"), Ok(Threshold { subject: None, number: 1.05 }));
        let disk = Some(Subject::Use(Resource::Disk));
        assert_eq!(balance("disk = 1.05"), Ok(Threshold { subject: disk, number: 1.05 }));
        assert_eq!(share("disk=0"), Ok(Threshold { subject: disk, number: 0.0 }));
    }

    #[test]
    fn what_is_none_is_refused_with_a_way_out() {
        let check = |result: Result<Threshold, String>, expect: &str| {
            let error = result.expect_err(expect);
            assert!(error.contains(expect), "{error}");
        };
        check(balance("0.9"), "1 or more");
        check(balance("NaN"), "1 or more");
        check(balance("inf"), "1 or more");
        check(balance("much"), "\"much\" is no number");
        check(
            balance("memory=1.1"),
            "there are cpu, network_in, network_out, disk, replicas, leaders, topics",
        );
        check(share("1.1"), "from 0 to 1");
        check(share("NaN"), "from 0 to 1");
        check(share("replicas=0.5"), "there are cpu, network_in, network_out, disk");
    }
}
