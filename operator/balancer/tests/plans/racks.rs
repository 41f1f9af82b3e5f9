//! Racks: layouts that can be mended, and layouts that can't.

use taffrail_balancer::Goal;

use crate::scene::Scene;

#[test]
fn two_replicas_in_a_rack_are_parted() {
    let checked = Scene::new(&["a", "a", "b", "b", "c", "c"]).same("t", 12, &[1, 2, 3]).check();
    checked.assert_met();
}

#[test]
fn too_few_racks_are_said_and_nothing_gets_worse() {
    let checked = Scene::new(&["a", "a", "b", "b"]).same("t", 12, &[1, 2, 3]).check();
    assert_eq!(checked.after(Goal::RackAware), 12);
    checked.assert_reason("rack");
}
