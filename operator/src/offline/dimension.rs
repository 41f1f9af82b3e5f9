//! What a table and a picture show of each broker.

use taffrail_balancer::wording::{in_bytes, thousands, three_digits};
use taffrail_balancer::{Band, BrokerBands, BrokerStatistics, Resource};

/// Something that each broker has some of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dimension {
    /// How many replicas it has.
    Replicas,
    /// How many partitions it leads.
    Leaders,
    /// How much of a resource it uses.
    Use(Resource),
}

impl Dimension {
    /// All of them, in the order in which they are shown.
    pub(super) const ALL: [Self; 6] = [
        Self::Replicas,
        Self::Leaders,
        Self::Use(Resource::Disk),
        Self::Use(Resource::NetworkIn),
        Self::Use(Resource::NetworkOut),
        Self::Use(Resource::Cpu),
    ];

    /// Its name.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Replicas => "replicas",
            Self::Leaders => "leaders",
            Self::Use(Resource::Disk) => "disk",
            Self::Use(Resource::NetworkIn) => "net in",
            Self::Use(Resource::NetworkOut) => "net out",
            Self::Use(Resource::Cpu) => "cpu",
        }
    }

    /// What a broker has of it: a number, or of resources a share of the broker's capacity. None: it has no capacity.
    #[expect(clippy::cast_precision_loss, reason = "no broker has 2^53 replicas")]
    pub(super) fn value(self, broker: &BrokerStatistics) -> Option<f64> {
        match self {
            Self::Replicas => Some(broker.replicas as f64),
            Self::Leaders => Some(broker.leaders as f64),
            Self::Use(resource) => {
                let (load, capacity) =
                    (broker.load[resource as usize], broker.capacity[resource as usize]);
                (capacity > 0.0).then(|| load / capacity)
            }
        }
    }

    /// A value without its unit.
    pub(super) fn number(self, value: f64) -> String {
        match self {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count, or an end of its band"
            )]
            Self::Replicas | Self::Leaders => thousands(value.round() as u64),
            Self::Use(_) => per_cent(value),
        }
    }

    /// What follows a number: nothing, or that it is per cent.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Replicas | Self::Leaders => "",
            Self::Use(_) => " %",
        }
    }

    /// Where a broker should be, in the same unit.
    pub(super) const fn band(self, broker: &BrokerBands) -> Band {
        match self {
            Self::Replicas => broker.replicas,
            Self::Leaders => broker.leaders,
            Self::Use(resource) => broker.resources[resource as usize],
        }
    }
}

/// An amount of a resource with its unit.
pub(super) fn amount(resource: Resource, amount: f64) -> String {
    match resource {
        Resource::Disk => in_bytes(amount),
        Resource::NetworkIn | Resource::NetworkOut => format!("{}/s", in_bytes(amount)),
        // The file's own unit: cores, or per cent of them.
        Resource::Cpu => three_digits(amount),
    }
}

/// A share as per cent: `41.7`.
pub(super) fn per_cent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_has_one_decimal() {
        assert_eq!(per_cent(0.41666), "41.7");
        assert_eq!(per_cent(1.0), "100.0");
    }
}
