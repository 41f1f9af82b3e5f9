//! The verifier itself: plans that are right, made wrong in one way each, are refused with the right complaint.

use taffrail_balancer::document::{BrokerState, LogDirState};
use taffrail_balancer::{Goal, LogDirMove, Operation, Plan, Step, StepKind, Threads, plan};

use crate::scene::Scene;
use crate::verifier::verify;

/// A plan for the scene, made wrong.
#[track_caller]
fn check(scene: &Scene, spoil: impl FnOnce(&mut Plan), complaint: &str) {
    let mut plan = plan(&scene.model(), &scene.options, Threads::One).expect("there is a plan");
    if let Err(complaints) = verify(&scene.cluster, &scene.options, &plan) {
        panic!("the plan was wrong before it was spoilt: {complaints:?}");
    }
    let right = plan.clone();
    spoil(&mut plan);
    assert_ne!(plan, right, "the plan is spoilt");
    let complaints = verify(&scene.cluster, &scene.options, &plan).expect_err("the plan is wrong");
    assert!(complaints.iter().any(|text| text.contains(complaint)), "{complaint}: {complaints:#?}");
}

/// Two racks with too much, two with nothing: many moves, and every goal is met after them.
fn skewed() -> Scene {
    let scene = Scene::new(&["a", "b", "c", "d"]);
    (0..12).fold(scene, |scene, topic| scene.same(&format!("t{topic}"), 4, &[1, 2]))
}

fn dead_broker() -> Scene {
    let scene = Scene::new(&["a", "b", "c", "d"]).same("t", 8, &[1, 2]).same("u", 8, &[3, 4]);
    scene.state(1, BrokerState::Dead)
}

fn first_move(plan: &mut Plan) -> &mut Step {
    plan.steps.iter_mut().find(|step| step.bytes > 0.0).expect("something moves")
}

#[test]
fn another_precondition() {
    check(&skewed(), |plan| first_move(plan).from.reverse(), "the replicas are on");
}

#[test]
fn a_step_is_done_twice() {
    let twice = |plan: &mut Plan| plan.steps.insert(0, plan.steps[0].clone());
    check(&skewed(), twice, "the replicas are on");
}

#[test]
fn a_step_is_left_out() {
    check(&skewed(), |plan| drop(plan.steps.remove(0)), "");
    let last = |plan: &mut Plan| drop(plan.steps.pop());
    check(&skewed(), last, "violations after");
}

#[test]
fn steps_in_another_order() {
    // Both replicas of a partition move: the second step starts from where the first one ends.
    let scene = Scene::new(&["a", "b", "c", "d"])
        .same("t", 8, &[1, 2])
        .operation(Operation::RemoveBrokers([1, 2].into()));
    check(&scene, |plan| plan.steps.reverse(), "the replicas are on");
}

#[test]
fn a_broker_twice() {
    let twice = |plan: &mut Plan| {
        let step = first_move(plan);
        step.to[1] = step.to[0];
    };
    check(&skewed(), twice, "is there twice");
}

#[test]
fn a_broker_that_is_not_there() {
    check(&skewed(), |plan| first_move(plan).to[1] = 99, "there is no broker 99");
}

#[test]
fn two_come_at_once() {
    let both = |plan: &mut Plan| {
        let step = first_move(plan);
        step.to = vec![3, 4];
        step.leader = Some(3);
    };
    check(&skewed(), both, "more than one broker comes or goes");
}

#[test]
fn other_bytes() {
    check(&skewed(), |plan| first_move(plan).bytes *= 1.01, "it copies");
    check(&skewed(), |plan| plan.bytes_moved *= 1.01, "bytes_moved");
}

#[test]
fn another_kind() {
    check(
        &skewed(),
        |plan| first_move(plan).kind = StepKind::Evacuate,
        "it should be one of [Move]",
    );
    check(
        &dead_broker(),
        |plan| first_move(plan).kind = StepKind::Move,
        "it should be one of [Evacuate]",
    );
}

#[test]
fn a_leader_without_a_replica() {
    check(&skewed(), |plan| first_move(plan).leader = None, "without leader");
    let elsewhere = |plan: &mut Plan| {
        let step = first_move(plan);
        step.leader = (1..=4).find(|id| !step.to.contains(id));
    };
    check(&skewed(), elsewhere, "no replica that is online");
    let dead = |plan: &mut Plan| {
        let step = Step {
            topic: "t".into(),
            partition: 0,
            from: vec![1, 2],
            to: vec![1, 2],
            leader: Some(1),
            bytes: 0.0,
            kind: StepKind::Leader,
            log_dir: None,
        };
        plan.steps.insert(0, step);
    };
    check(&dead_broker(), dead, "no replica that is online");
}

#[test]
fn other_counts_of_violations() {
    check(&skewed(), |plan| plan.goals[7].violations_before += 1, "violations before, recounted");
    check(&skewed(), |plan| plan.goals[9].violations_after += 1, "violations after, recounted");
    check(&skewed(), |plan| plan.goals[0].hard = false, "hard is false");
    check(&skewed(), |plan| plan.goals.swap(0, 1), "were asked for");
}

#[test]
fn other_totals() {
    check(&skewed(), |plan| plan.replicas_moved += 1, "replicas_moved");
    check(&skewed(), |plan| plan.leaders_moved += 1, "leaders_moved");
    check(&skewed(), |plan| plan.operation = "demote", "the plan says that it is for demote");
}

#[test]
fn other_bounds() {
    check(
        &skewed(),
        |plan| plan.replicas_lower_bound = plan.replicas_moved + 1,
        "replicas_lower_bound",
    );
    check(&skewed(), |plan| plan.replicas_lower_bound -= 1, "replicas_lower_bound");
    check(&skewed(), |plan| plan.bytes_lower_bound = plan.bytes_moved * 1.5, "bytes_lower_bound");
}

#[test]
fn reasons_out_of_nowhere() {
    check(&skewed(), |plan| plan.reasons.push("it rained".into()), "reasons are given");
}

#[test]
fn a_stranded_replica_without_a_reason() {
    let stays = |plan: &mut Plan| {
        let place = plan
            .steps
            .iter()
            .rposition(|step| step.kind == StepKind::Evacuate)
            .expect("something is evacuated");
        let step = plan.steps.remove(place);
        plan.replicas_moved -= 1;
        plan.bytes_moved -= step.bytes;
    };
    check(&dead_broker(), stays, "stays stranded");
}

#[test]
fn a_disk_that_is_overfilled_on_the_way() {
    // Broker 3 has room for what comes only once its own has gone.
    let scene = Scene::new(&["a", "b", "c", "d"])
        .same("t", 6, &[1])
        .same("u", 6, &[3])
        .broker(1, |broker| broker.state = BrokerState::Draining)
        .broker(3, |broker| broker.capacity.disk = 80.0)
        .goals(&[Goal::DiskCapacity]);
    let step = |topic: &str, partition: i32, from: i32, to: i32, kind: StepKind| Step {
        topic: topic.into(),
        partition,
        from: vec![from],
        to: vec![to],
        leader: Some(to),
        bytes: 10.0,
        kind,
        log_dir: None,
    };
    let overfill = |plan: &mut Plan| {
        let detour = [step("t", 0, 1, 3, StepKind::Evacuate), step("t", 0, 3, 2, StepKind::Move)];
        plan.steps.retain(|step| *step.topic != *"t" || step.partition != 0);
        plan.steps.splice(0..0, detour);
    };
    check(&scene, overfill, "that it may have");
}

#[test]
fn a_rack_that_is_doubled_on_the_way() {
    let scene =
        Scene::new(&["a", "a", "b", "b"]).same("t", 4, &[1, 3]).state(1, BrokerState::Draining);
    let doubled = |plan: &mut Plan| {
        let steps: Vec<Step> =
            plan.steps.iter().filter(|step| step.partition == 0).cloned().collect();
        plan.steps.retain(|step| step.partition != 0);
        let step = steps.first().expect("partition 0 leaves broker 1");
        plan.steps.push(Step { to: vec![4, 3], leader: Some(3), ..step.clone() });
    };
    check(&scene, doubled, "RackAwareGoal");
}

#[test]
fn an_excluded_topic_moves() {
    let scene = skewed().edit(|cluster| cluster.topics[0].excluded = true);
    let moved = |plan: &mut Plan| {
        plan.steps.push(Step {
            topic: "t0".into(),
            partition: 0,
            from: vec![1, 2],
            to: vec![1, 3],
            leader: Some(1),
            bytes: 10.0,
            kind: StepKind::Move,
            log_dir: None,
        });
        plan.replicas_moved += 1;
        plan.bytes_moved += 10.0;
    };
    let quiet = |plan: &mut Plan| {
        plan.steps.retain(|step| *step.topic != *"t0");
        moved(plan);
    };
    check(&scene, quiet, "its topic is excluded");
}

#[test]
fn an_old_broker_receives_beside_a_new_one() {
    let scene = skewed().state(4, BrokerState::New);
    let old = |plan: &mut Plan| {
        let step = first_move(plan);
        let arrival = step.to.iter().position(|id| *id == 4).expect("the new broker receives");
        step.to[arrival] = 3;
        step.leader = step.leader.map(|leader| if leader == 4 { 3 } else { leader });
    };
    check(&scene, old, "broker 3 receives nothing");
}

#[test]
fn a_directory_that_is_broken() {
    let dirs = [("/x", LogDirState::Offline), ("/y", LogDirState::Online)];
    let scene = skewed().log_dirs(3, &dirs);
    let broken = |plan: &mut Plan| {
        let mut steps = plan.steps.iter_mut();
        let step = steps.find(|step| step.log_dir.is_some()).expect("something goes to broker 3");
        step.log_dir.as_mut().expect("it says where").to = "/x".into();
    };
    check(&scene, broken, "directory that is to be emptied");
    let unsaid = |plan: &mut Plan| {
        plan.steps
            .iter_mut()
            .find(|step| step.log_dir.is_some())
            .expect("something goes to broker 3")
            .log_dir = None;
    };
    check(&scene, unsaid, "which directory");
}

#[test]
fn a_broker_copies_out_of_a_directory_that_is_broken() {
    let dirs = [("/x", LogDirState::Offline), ("/y", LogDirState::Online)];
    let scene = Scene::new(&["a", "b"]).same("t", 1, &[1, 2]).log_dirs(2, &dirs);
    let inside = |plan: &mut Plan| {
        plan.steps.push(Step {
            topic: "t".into(),
            partition: 0,
            from: vec![1, 2],
            to: vec![1, 2],
            leader: Some(1),
            bytes: 10.0,
            kind: StepKind::LogDir,
            log_dir: Some(LogDirMove { broker: 2, from: Some("/x".into()), to: "/y".into() }),
        });
    };
    check(&scene, inside, "directory that is offline");
}
