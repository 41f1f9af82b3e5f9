//! The placer: every layout respects the number of replicas, racks and fencing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use taffrail_metadata::{PlacementError, SeededRandom, StripedPlacer, UsableBroker};

fn brokers(racks: &[(usize, bool)]) -> Vec<UsableBroker> {
    racks
        .iter()
        .zip(1..)
        .map(|((rack, fenced), id)| UsableBroker {
            id,
            // Rack 0 is no rack.
            rack: (*rack > 0).then(|| format!("rack-{rack}")),
            fenced: *fenced,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layouts(
        racks in proptest::collection::vec((0..4usize, proptest::bool::weighted(0.2)), 1..12),
        replication_factor in 1..6i16,
        count in 1..80usize,
        seed: u64,
    ) {
        let brokers = brokers(&racks);
        let wanted = usize::try_from(replication_factor).unwrap();
        let mut placer = StripedPlacer::new(&brokers, SeededRandom::new(seed));
        let by_id: BTreeMap<i32, &UsableBroker> = brokers.iter().map(|b| (b.id, b)).collect();
        let rack_count = brokers.iter().map(|b| &b.rack).collect::<BTreeSet<_>>().len();
        let unfenced_racks = brokers
            .iter()
            .filter(|b| !b.fenced)
            .map(|b| &b.rack)
            .collect::<BTreeSet<_>>()
            .len();
        for _ in 0..count {
            let replicas = match placer.place(replication_factor) {
                Ok(replicas) => replicas,
                Err(PlacementError::NoUnfencedBroker) => {
                    prop_assert!(brokers.iter().all(|b| b.fenced));
                    return Ok(());
                }
                Err(PlacementError::TooFewBrokers { .. }) => {
                    prop_assert!(wanted > brokers.len());
                    return Ok(());
                }
                Err(error) => panic!("{error}"),
            };
            prop_assert_eq!(replicas.len(), wanted);
            let distinct: BTreeSet<i32> = replicas.iter().copied().collect();
            prop_assert_eq!(distinct.len(), wanted, "a broker holds a partition once");
            prop_assert!(!by_id[&replicas[0]].fenced, "the leader isn't fenced");
            // No rack gets its second replica before each rack has one.
            let used: BTreeSet<_> = replicas.iter().map(|id| &by_id[id].rack).collect();
            prop_assert!(used.len() >= wanted.min(rack_count).min(unfenced_racks.max(1)));
            prop_assert_eq!(used.len(), wanted.min(rack_count));
            // Inside a rack, a fenced broker comes only when the unfenced are used up.
            for rack in used {
                let in_rack = |fenced: bool| replicas
                    .iter()
                    .filter(|id| by_id[*id].rack == *rack && by_id[*id].fenced == fenced)
                    .count();
                let unfenced = brokers.iter().filter(|b| b.rack == *rack && !b.fenced).count();
                prop_assert!(in_rack(true) == 0 || in_rack(false) == unfenced);
            }
        }
    }

    #[test]
    fn leaders_are_spread(seed: u64, per_rack in 1..4usize) {
        let racks: Vec<(usize, bool)> = (0..3 * per_rack).map(|i| (1 + i % 3, false)).collect();
        let brokers = brokers(&racks);
        let mut placer = StripedPlacer::new(&brokers, SeededRandom::new(seed));
        let mut leaders: BTreeMap<i32, usize> = BTreeMap::new();
        let mut leader_racks: BTreeMap<usize, usize> = BTreeMap::new();
        for _ in 0..brokers.len() {
            let leader = placer.place(3).unwrap()[0];
            *leaders.entry(leader).or_default() += 1;
            *leader_racks.entry((usize::try_from(leader).unwrap() - 1) % 3).or_default() += 1;
        }
        prop_assert!(leader_racks.values().all(|&count| count == per_rack), "{leader_racks:?}");
    }
}

#[test]
fn the_same_seed_places_the_same_way() {
    let brokers = brokers(&[(1, false), (2, false), (3, false), (1, true)]);
    let place = |seed| {
        let mut placer = StripedPlacer::new(&brokers, SeededRandom::new(seed));
        (0..20).map(|_| placer.place(2).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(place(3), place(3));
    assert_ne!(place(3), place(4));
}

#[test]
fn what_cannot_be_placed() {
    let check = |racks: &[(usize, bool)], replication_factor, expect: PlacementError| {
        let mut placer = StripedPlacer::new(&brokers(racks), SeededRandom::new(1));
        assert_eq!(placer.place(replication_factor), Err(expect));
    };
    check(&[(0, false)], 0, PlacementError::NotPositive(0));
    check(&[(0, false)], -1, PlacementError::NotPositive(-1));
    check(&[], 1, PlacementError::NoUnfencedBroker);
    check(&[(0, true)], 1, PlacementError::NoUnfencedBroker);
    check(&[(0, false), (0, true)], 3, PlacementError::TooFewBrokers { wanted: 3, brokers: 2 });
}
