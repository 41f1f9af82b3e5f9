//! Who leads.

use taffrail_balancer::{Goal, Operation};

use crate::scene::Scene;

#[test]
fn each_broker_leads_as_many_as_it_has_to() {
    for least in 1..=5_u32 {
        let partitions = (least * 4) as usize;
        let scene =
            Scene::new(&["a", "b", "c", "d"]).same("t", partitions, &[1, 2, 3]).edit(|cluster| {
                cluster.topics[0].min_leaders_per_broker = least;
            });
        let checked = scene.check();
        assert_eq!(
            checked.after(Goal::MinTopicLeadersPerBroker),
            0,
            "{least}: {:?}",
            checked.plan.reasons
        );
        for totals in &checked.verified.after {
            assert_eq!(totals.leaders, u64::from(least));
        }
    }
}

#[test]
fn too_few_partitions_to_lead_are_said() {
    for least in 1..=5_u32 {
        let scene = Scene::new(&["a", "b", "c", "d"])
            .same("t", least as usize * 4 - 1, &[1, 2, 3])
            .edit(|cluster| {
                cluster.topics[0].min_leaders_per_broker = least;
            });
        let checked = scene.check();
        assert_eq!(checked.after(Goal::MinTopicLeadersPerBroker), 1, "{least}");
        checked.assert_reason("MinTopicLeadersPerBrokerGoal");
    }
}

#[test]
fn leaders_are_balanced_without_a_copy() {
    let checked = Scene::new(&["a", "b", "c"])
        .same("t", 30, &[1, 2, 3])
        .operation(Operation::Leaders)
        .check();
    assert_eq!(checked.after(Goal::LeaderReplicaDistribution), 0);
    assert_eq!(checked.plan.replicas_moved, 0);
    assert_eq!(checked.plan.leaders_moved, 20);
}

#[test]
fn a_rebalance_does_with_leaders_what_leaders_can_do() {
    let checked = Scene::new(&["a", "b", "c"]).same("t", 30, &[1, 2, 3]).check();
    checked.assert_met();
    assert_eq!(checked.plan.replicas_moved, 0);
}

#[test]
fn preferred_leaders_lead() {
    // The second replica of each partition leads: nothing is out of balance but the order of the lists.
    let scene = Scene::new(&["a", "b", "c"]);
    let scene = (0..3).fold(scene, |scene, first| {
        scene.same(&format!("t{first}"), 10, &[first + 1, (first + 1) % 3 + 1])
    });
    let scene = scene.edit(|cluster| {
        for partition in cluster.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.leader = Some(partition.replicas[1].broker);
        }
    });
    for operation in [Operation::Rebalance, Operation::Leaders] {
        let checked = scene.clone().operation(operation).check();
        checked.assert_met();
        assert_eq!(checked.plan.replicas_moved, 0);
        assert!(checked.plan.steps.iter().all(|step| step.leader == step.to.first().copied()));
    }
}

#[test]
fn leader_bytes_in_follow_the_leaders() {
    let goals = [Goal::LeaderBytesInDistribution];
    for weigh in [true, false] {
        let scene = Scene::new(&["a", "b", "c"]).same("t", 30, &[1, 2, 3]).goals(&goals);
        let checked =
            scene.options(|options| options.constraints.weigh_leader_bytes_in = weigh).check();
        checked.assert_met();
        assert_eq!(checked.plan.replicas_moved, 0);
    }
}

#[test]
fn a_leader_is_elected_whatever_it_costs() {
    // Nobody has the capacity to lead it, and without a leader it is offline.
    let scene = Scene::new(&["a", "b", "c"]).same("t", 1, &[1, 2]).edit(|cluster| {
        cluster.topics[0].partitions[0].leader = None;
        cluster.topics[0].partitions[0].leader_extra.network_out = 9_000.0;
    });
    for operation in [Operation::Rebalance, Operation::Leaders, Operation::FixOffline] {
        let checked = scene.clone().operation(operation).check();
        assert_eq!(checked.plan.leaders_moved, 1);
    }
}
