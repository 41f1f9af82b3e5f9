//! What of a broker's processor time each replica on it costs.
//!
//! A broker measures its processor time as a whole and its traffic by partition. The one is split by the other: bytes
//! that come in to a leader, bytes that go out of a leader and bytes that come in to a follower each weigh something
//! ([`CpuWeights`]), and a replica costs its part of the weighed bytes.
//!
//! Nothing is lost on the way: the costs add up to what was measured, to the last bit and in any order. Amounts that
//! are negative or no numbers count as zero, and larger ones than a model may have as the largest.
//!
//! What is deliberately absent: measuring, and what a replica costs of anything but processor time.

use crate::model::AMOUNT_MAX;

/// What a byte weighs in processor time, by what a broker does with it. Only their ratios matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuWeights {
    /// A byte that comes in to a leader; 0.7 unless told otherwise.
    pub leader_in: f64,
    /// A byte that goes out of a leader; 0.15.
    pub leader_out: f64,
    /// A byte that comes in to a follower; 0.15.
    pub follower_in: f64,
}

impl Default for CpuWeights {
    fn default() -> Self {
        Self { leader_in: 0.7, leader_out: 0.15, follower_in: 0.15 }
    }
}

/// What goes through a replica, in bytes a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Traffic {
    /// It leads.
    Leader {
        /// What producers write to it.
        bytes_in: f64,
        /// What it sends, to followers as well.
        bytes_out: f64,
    },
    /// It follows.
    Follower {
        /// What it fetches.
        bytes_in: f64,
    },
}

/// What a replica costs: the `cpu` of its load, and of its partition's `leader_extra`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuCost {
    /// What it costs as a follower.
    pub follower: f64,
    /// What leading costs on top; zero for a follower.
    pub leader_extra: f64,
}

impl CpuWeights {
    /// Splits a broker's processor time over all the replicas on it: one cost for each, in their order.
    ///
    /// Without any traffic all of them cost the same, whoever leads: the time was spent, and nothing tells them apart.
    #[must_use]
    pub fn split(&self, cpu: f64, replicas: &[Traffic]) -> Vec<CpuCost> {
        let cpu = sound(cpu);
        // A unit of which the whole is a whole number, no larger than 2^53: so are all parts and their sums.
        let unit = cpu - cpu.next_down();
        let mut weights: Vec<f64> = replicas.iter().map(|traffic| self.weigh(*traffic)).collect();
        if weights.iter().all(|weight| *weight == 0.0) {
            weights.fill(1.0);
        }
        let whole: f64 = weights.iter().sum();
        let (mut weighed, mut given) = (0.0, 0.0);
        let costs = replicas.iter().zip(weights).map(|(traffic, weight)| {
            if cpu == 0.0 {
                return CpuCost::default();
            }
            weighed += weight;
            let until = (cpu / unit * (weighed / whole)).round();
            let cost = until - given;
            given = until;
            let follower = match traffic {
                Traffic::Leader { bytes_in, bytes_out } => {
                    self.as_follower(cost, *bytes_in, *bytes_out).round()
                }
                Traffic::Follower { .. } => cost,
            };
            CpuCost { follower: follower * unit, leader_extra: (cost - follower) * unit }
        });
        costs.collect()
    }

    /// What of a leader's cost it would have as a follower: never more than that cost. Without traffic leading adds
    /// nothing.
    #[must_use]
    pub fn as_follower(&self, cost: f64, bytes_in: f64, bytes_out: f64) -> f64 {
        let leads = self.weigh(Traffic::Leader { bytes_in, bytes_out });
        if leads > 0.0 {
            (cost * sound(self.follower_in) * sound(bytes_in) / leads).min(cost)
        } else {
            cost
        }
    }

    fn weigh(&self, traffic: Traffic) -> f64 {
        match traffic {
            Traffic::Leader { bytes_in, bytes_out } => {
                sound(self.leader_in) * sound(bytes_in) + sound(self.leader_out) * sound(bytes_out)
            }
            Traffic::Follower { bytes_in } => sound(self.follower_in) * sound(bytes_in),
        }
    }
}

fn sound(amount: f64) -> f64 {
    if amount > 0.0 { amount.min(AMOUNT_MAX) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CpuCost, CpuWeights, Traffic};

    fn leader(bytes_in: f64, bytes_out: f64) -> Traffic {
        Traffic::Leader { bytes_in, bytes_out }
    }

    fn follower(bytes_in: f64) -> Traffic {
        Traffic::Follower { bytes_in }
    }

    #[track_caller]
    fn check(cpu: f64, replicas: &[Traffic], expect: &[(f64, f64)]) {
        let found = CpuWeights::default().split(cpu, replicas);
        assert_eq!(found.len(), expect.len());
        for (found, (follower, leader_extra)) in found.iter().zip(expect) {
            let near = |found: f64, expect: f64| (found - expect).abs() <= 1e-12;
            assert!(
                near(found.follower, *follower) && near(found.leader_extra, *leader_extra),
                "{found:?}"
            );
        }
    }

    #[test]
    fn time_goes_where_the_bytes_go() {
        check(2.0, &[leader(100.0, 0.0)], &[(2.0 * 0.15 / 0.7, 2.0 * 0.55 / 0.7)]);
        check(
            1.0,
            &[leader(100.0, 200.0), follower(100.0)],
            &[(15.0 / 115.0, 85.0 / 115.0), (15.0 / 115.0, 0.0)],
        );
        // Leaders with nothing coming in cost a follower nothing.
        check(1.0, &[leader(0.0, 10.0), leader(0.0, 30.0)], &[(0.0, 0.25), (0.0, 0.75)]);
        check(1.0, &[follower(0.0), follower(10.0)], &[(0.0, 0.0), (1.0, 0.0)]);
        check(1.0, &[], &[]);
    }

    #[test]
    fn without_traffic_all_cost_the_same() {
        check(1.0, &[leader(0.0, 0.0), follower(0.0)], &[(0.5, 0.0), (0.5, 0.0)]);
        let nothing = CpuWeights { leader_in: 0.0, leader_out: 0.0, follower_in: 0.0 };
        let half = CpuCost { follower: 0.5, leader_extra: 0.0 };
        assert_eq!(nothing.split(1.0, &[leader(1.0, 2.0), follower(3.0)]), [half, half]);
    }

    #[test]
    fn a_follower_never_costs_more_than_its_leader() {
        let weights = CpuWeights { follower_in: 2.0, ..CpuWeights::default() };
        let whole = CpuCost { follower: 1.0, leader_extra: 0.0 };
        assert_eq!(weights.split(1.0, &[leader(100.0, 0.0)]), [whole]);
    }

    #[test]
    fn nonsense_counts_as_nothing() {
        for cpu in [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            check(cpu, &[leader(1.0, 1.0), follower(1.0)], &[(0.0, 0.0), (0.0, 0.0)]);
        }
        check(1.0, &[leader(f64::NAN, -1.0), follower(1.0)], &[(0.0, 0.0), (1.0, 0.0)]);
        let vast =
            CpuWeights { leader_in: f64::INFINITY, leader_out: f64::MAX, follower_in: f64::NAN };
        let costs =
            vast.split(f64::INFINITY, &[leader(f64::MAX, f64::INFINITY), follower(f64::MAX)]);
        assert!(
            costs.iter().all(|cost| cost.follower.is_finite() && cost.leader_extra.is_finite()),
            "{costs:?}"
        );
    }

    fn traffic() -> impl Strategy<Value = Traffic> {
        let bytes = || prop_oneof![Just(0.0), 0.0..1e9_f64];
        prop_oneof![
            (bytes(), bytes()).prop_map(|(bytes_in, bytes_out)| leader(bytes_in, bytes_out)),
            bytes().prop_map(follower),
        ]
    }

    proptest! {
        #[test]
        fn costs_add_up_to_the_last_bit(
            cpu in prop_oneof![0.0..1e3_f64, Just(f64::MIN_POSITIVE / 3.0), Just(1.0)],
            replicas in prop::collection::vec(traffic(), 1..200),
            from in any::<prop::sample::Index>(),
        ) {
            let mut costs = CpuWeights::default().split(cpu, &replicas);
            costs.rotate_left(from.index(replicas.len()));
            prop_assert!(costs.iter().all(|cost| cost.follower >= 0.0 && cost.leader_extra >= 0.0));
            let sum: f64 = costs.iter().map(|cost| cost.follower + cost.leader_extra).sum();
            prop_assert_eq!(sum, cpu);
        }
    }
}
