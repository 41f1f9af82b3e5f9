use super::super::fixture::Fixture;
use super::*;

fn check(text: &str, expect: &[&str]) {
    for line in expect {
        assert!(text.lines().any(|other| other == *line), "no line is\n{line}\nin\n{text}");
    }
}

#[test]
fn a_plan_is_told_from_its_cost_to_its_steps() {
    let text = table(&Fixture::new(4).report(), false);
    check(
        &text,
        &[
            "REBALANCE",
            "  plan            0123456789ab (seed 7, made from fedcba987654)",
            "  cluster         4 brokers, 1 topic, 1,000 partitions, 3,000 replicas",
            "  steps           3 (1 evacuate, 1 move, 1 leader)",
            "  replicas moved  2; to meet every goal takes at least 0",
            "  bytes moved     1.50 GB; to meet every goal takes at least 1.20 GB (+25.0 %)",
            "  leaders moved   1",
            "  size            right-sized",
            "GOALS, and what violates them before and after",
            "  hard  RackAwareGoal                 mended    1,200 → 0  partitions",
            "  hard  DiskCapacityGoal              ok            0 → 0",
            "  soft  ReplicaDistributionGoal       better        4 → 1  brokers",
            "  soft  TopicReplicaDistributionGoal  VIOLATED      2 → 2  pairs of topic and broker",
            "  soft  CpuUsageDistributionGoal      WORSE         0 → 3  brokers",
            "BROKERS",
            "  id  rack    state       replicas      leaders           disk       net in      net out           cpu",
            "   0  rack-0  alive  1,000 → 2,000    300 → 600  10.0 → 20.0 %  1.0 → 2.0 %  2.0 → 4.0 %   3.1 → 6.2 %",
            "   3  rack-1  dead   4,000 →     0  1,200 →   0  40.0 →  0.0 %  4.0 → 0.0 %  8.0 → 0.0 %  12.5 → 0.0 %",
            "STEPS",
            "     kind      partition  replicas         leader    bytes",
            "  1  evacuate  orders-0   [3, 1] → [0, 1]  none    1.50 GB",
            "  2  move      orders-1   [3, 1] → [0, 1]  1         999 B  on 0: to /data/1",
            "  3  leader    orders-2   [3, 1] → [1, 3]  1           0 B",
        ],
    );
}

#[test]
fn the_load_stands_beside_its_band_and_its_limit() {
    check(
        &table(&Fixture::new(4).report(), false),
        &[
            "LOAD, and the brokers with the least and the most of it",
            "               in all  of capacity         before          after           band   limit",
            "  replicas      6,000               1,000 … 3,000  2,000 … 2,000  1,819 … 2,180  10,000",
            "  leaders       1,800                   300 … 900      600 … 600      546 … 654       -",
            "  disk         600 GB       20.0 %  10.0 … 30.0 %  20.0 … 20.0 %  18.2 … 21.8 %  80.0 %",
            "  net in    6.00 MB/s        2.0 %    1.0 … 3.0 %    2.0 … 2.0 %    1.8 … 2.2 %  80.0 %",
            "  cpu            1.50        6.2 %    3.1 … 9.4 %    6.2 … 6.2 %    5.7 … 6.8 %  70.0 %",
        ],
    );
}

#[test]
fn a_plan_without_steps_does_nothing() {
    let mut fixture = Fixture::new(4);
    fixture.plan.steps.clear();
    fixture.plan.reasons = vec!["rack \"a\u{1b}[2J\" is alone".to_owned()];
    let text = table(&fixture.report(), false);
    check(
        &text,
        &[
            "REBALANCE: nothing to do",
            "What the plan doesn't do, and why",
            "  - rack \"a\u{fffd}[2J\" is alone",
        ],
    );
    assert!(!text.contains("STEPS") && !text.contains("bytes moved"), "{text}");
}

#[test]
fn long_reasons_are_broken_between_words() {
    let mut text = String::new();
    write_wrapped(&mut text, &["seventeen-letters"; 7].join(" "));
    let line = ["seventeen-letters"; 6].join(" ");
    assert_eq!(text, format!("  - {line}\n    seventeen-letters\n"));
    text.clear();
    write_wrapped(&mut text, &"a".repeat(200));
    assert_eq!(text, format!("  - {}\n", "a".repeat(200)));
}

#[test]
fn whoever_is_emptied_is_shown() {
    let mut fixture = Fixture::new(100);
    fixture.removed = Some(50);
    let text = table(&fixture.report(), false);
    assert!(text.lines().any(|line| line.starts_with("  50  rack-16  alive")), "{text}");
}

#[test]
fn of_many_brokers_those_that_change_most_are_shown() {
    let fixture = Fixture::new(1_000);
    let text = table(&fixture.report(), false);
    check(&text, &["BROKERS: the 10 that change most", "  990 more: --all shows them"]);
    let all = table(&fixture.report(), true);
    check(&all, &["BROKERS"]);
    assert_eq!(all.lines().count(), text.lines().count() + 990 - 1);
}

#[test]
fn of_many_steps_the_first_are_shown() {
    let mut fixture = Fixture::new(4);
    fixture.plan.steps = std::iter::repeat_n(fixture.plan.steps[0].clone(), 1_010).collect();
    let text = table(&fixture.report(), false);
    check(&text, &["STEPS: the first 10 of 1,010", "  1,000 more: -o json has every step"]);
}

#[test]
fn names_give_no_orders_to_the_terminal() {
    let mut fixture = Fixture::new(4);
    fixture.plan.steps[0].topic = "\u{1b}]0;mine\u{7}\n".into();
    for broker in fixture.before.iter_mut().chain(&mut fixture.after) {
        broker.rack = "\u{9b}31m\u{202e}a rack with a very long name".to_owned();
    }
    let text = table(&fixture.report(), true);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(text.contains("…  alive"), "{text}");
}
