//! Topics: their own bands, and those that are to stay.

use taffrail_balancer::Goal;
use taffrail_balancer::document::BrokerState;

use crate::scene::Scene;

fn skewed() -> Scene {
    let scene = Scene::new(&["a", "b", "c", "d"]);
    (0..8).fold(scene, |scene, topic| scene.same(&format!("t{topic}"), 10, &[1, 2]))
}

#[test]
fn excluded_topics_stay() {
    let scene = skewed().edit(|cluster| {
        for topic in &mut cluster.topics[..2] {
            topic.excluded = true;
        }
    });
    let checked = scene.check();
    assert_eq!(checked.after(Goal::ReplicaDistribution), 0);
    assert!(checked.moved_topics().iter().all(|topic| !["t0", "t1"].contains(topic)));
}

#[test]
fn too_many_excluded_topics_are_said() {
    let scene = skewed().edit(|cluster| {
        for topic in &mut cluster.topics {
            topic.excluded = true;
        }
    });
    let checked = scene.check();
    assert_eq!(checked.plan.replicas_moved, 0);
    checked.assert_reason("exclude");
}

#[test]
fn excluded_topics_leave_a_dead_broker() {
    let scene = skewed().same("x", 5, &[3, 4]).edit(|cluster| cluster.topics[8].excluded = true);
    let checked = scene.state(4, BrokerState::Dead).check();
    assert_eq!(checked.on(4).replicas, 0);
}

#[test]
fn a_topic_is_spread() {
    // Every broker has its share of replicas, but each topic is on two of them.
    let scene = Scene::new(&["a", "b", "c", "d"]).same("t", 40, &[1, 2]).same("u", 40, &[3, 4]);
    let goals = [Goal::RackAware, Goal::ReplicaDistribution, Goal::TopicReplicaDistribution];
    let checked = scene
        .goals(&goals)
        .options(|options| {
            options.constraints.topic_threshold = 1.2;
            options.constraints.topic_max_gap = 5;
        })
        .check();
    checked.assert_met();
    assert!(
        checked.plan.replicas_moved >= 4 * 15,
        "15 of 40 leave each broker: {}",
        checked.plan.replicas_moved
    );
}

#[test]
fn leaders_of_a_topic_are_spread() {
    let goals = [Goal::TopicLeaderDistribution];
    let checked = Scene::new(&["a", "b", "c"]).same("t", 60, &[1, 2, 3]).goals(&goals).check();
    checked.assert_met();
    assert_eq!(checked.plan.replicas_moved, 0);
    assert!(checked.plan.leaders_moved > 0);
}
