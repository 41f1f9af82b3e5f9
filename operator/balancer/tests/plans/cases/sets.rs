//! Sets of brokers.

use taffrail_balancer::{DEFAULT_GOALS, Goal};

use crate::scene::Scene;

/// Sixteen brokers in four racks, and topics spread over all of them; `sets` sets of equal size.
fn scene(sets: i32) -> Scene {
    let racks: Vec<&str> = (0..16).map(|index| ["a", "b", "c", "d"][index / 4]).collect();
    let scene = Scene::new(&racks);
    let scene = (0..16).fold(scene, |scene, topic| {
        let first = topic % 16 + 1;
        scene.same(&format!("t{topic}"), 8, &[first, (first + 3) % 16 + 1])
    });
    scene.options(|options| {
        options.goals = [Goal::BrokerSetAware].into_iter().chain(DEFAULT_GOALS).collect();
        for id in 1..=16 {
            options.broker_sets.entry(format!("s{}", id % sets)).or_default().insert(id);
        }
        for topic in 0..16 {
            options.topic_sets.insert(format!("t{topic}"), format!("s{}", topic % sets));
        }
    })
}

#[test]
fn topics_stay_in_their_sets() {
    for sets in 1..=8 {
        let checked = scene(sets).check();
        for goal in [Goal::BrokerSetAware, Goal::RackAware, Goal::ReplicaDistribution] {
            // Sets of unequal size can't all have their share.
            if goal.is_hard() || 16 % sets == 0 {
                assert_eq!(
                    checked.after(goal),
                    0,
                    "{sets} sets, {goal}: {:?}",
                    checked.plan.reasons
                );
            }
        }
    }
}

#[test]
fn a_topic_without_a_set_goes_where_most_of_it_is() {
    let scene = Scene::new(&["a", "b", "a", "b"])
        .topic("t", &[&[1, 2], &[1, 2], &[1, 4]])
        .topic("u", &[&[3, 4], &[3, 4], &[3, 2]])
        .options(|options| {
            options.goals = vec![Goal::BrokerSetAware, Goal::RackAware];
            options.broker_sets =
                [("x".to_owned(), [1, 2].into()), ("y".to_owned(), [3, 4].into())].into();
        });
    let checked = scene.check();
    checked.assert_met();
    assert_eq!(checked.plan.replicas_moved, 2);
}

#[test]
fn a_set_that_is_too_small_is_said() {
    let scene = Scene::new(&["a", "b", "c"]).same("t", 4, &[1, 2]).options(|options| {
        options.goals = vec![Goal::BrokerSetAware];
        options.broker_sets =
            [("x".to_owned(), [1].into()), ("y".to_owned(), [2, 3].into())].into();
        options.topic_sets = [("t".to_owned(), "x".to_owned())].into();
    });
    let checked = scene.check();
    assert_eq!(checked.after(Goal::BrokerSetAware), 4);
    checked.assert_reason("BrokerSetAwareGoal");
}
