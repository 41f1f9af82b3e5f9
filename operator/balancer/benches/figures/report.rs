//! The measurements as a page of Markdown.

mod format;

use std::fmt::Write;

use taffrail_balancer::wording::thousands;

use crate::greedy::OURS;
use crate::instances::{BYTES_TARGET, Instance, REPLICAS_TARGET, SIZES};
use crate::measure::{Measurement, Violations};
use format::{judged, megabytes, ratio, seconds, section, spread};

/// Cruise Control on clusters from its own generator: cluster, seconds, replicas moved (disk moved, MB), left violated.
const CRUISE_CONTROL: [[&str; 4]; 6] = [
    [
        "40 brokers, 50,081 replicas, 3,000 topics, uniform",
        "2.5 s",
        "3,142 (336,519)",
        "LeaderReplica 6, LeaderBytesIn 6",
    ],
    [
        "the same, linear",
        "5.7 s",
        "15,252 (1,369,157)",
        "Cpu 1, TopicReplica 41, LeaderReplica 6, LeaderBytesIn 8",
    ],
    [
        "the same, exponential",
        "5.1 s",
        "14,821 (1,314,273)",
        "Cpu 1, TopicReplica 49, LeaderReplica 12, LeaderBytesIn 7",
    ],
    [
        "100 brokers, 100,000 replicas, uniform",
        "10 s",
        "4,736 (501,672)",
        "LeaderReplica 22, LeaderBytesIn 19",
    ],
    ["200 brokers, 300,000 replicas, uniform", "44 s", "22,801 (2,338,642)", "seven goals"],
    ["40 + 4 new brokers", "1.8 s", "4,499 (446,033)", "ten goals"],
];

/// How many reasons of a plan are told.
const REASONS: usize = 3;

/// What is said once, above all tables.
pub(crate) struct Heading<'a> {
    pub(crate) machine: &'a str,
    pub(crate) arguments: &'a str,
    pub(crate) seed: u64,
}

/// A cluster and what came of its measuring; a failure is a sentence.
pub(crate) type Row = (Instance, Result<Measurement, String>);

/// The whole page.
pub(crate) fn write(heading: &Heading<'_>, rows: &[Row]) -> String {
    let measured: Vec<(Instance, &Measurement)> = rows
        .iter()
        .filter_map(|(instance, outcome)| Some((*instance, outcome.as_ref().ok()?)))
        .collect();
    let mut page = String::new();
    let sections = [
        introduction(heading),
        failures(rows),
        targets(&measured),
        times(&measured),
        violations(&measured),
        moves(&measured),
        cruise_control(),
        clusters(),
    ];
    for section in sections.iter().filter(|section| !section.is_empty()) {
        if !page.is_empty() {
            page.push('\n');
        }
        page.push_str(section);
    }
    page
}

fn introduction(heading: &Heading<'_>) -> String {
    format!(
        "# Figures of the balancer\n\n\
         Written by `cargo bench -p taffrail-balancer --bench figures -- {}`, seed {}, on {}.\n\n\
         The planner with one thread, the planner with two and the plain greedy take turns in one process for each \
         cluster.\n",
        heading.arguments, heading.seed, heading.machine,
    )
}

fn failures(rows: &[Row]) -> String {
    let mut text = String::new();
    for (instance, outcome) in rows {
        if let Err(cause) = outcome {
            let _ = writeln!(text, "- {} could not be measured: {cause}", name(*instance));
        }
    }
    text
}

fn targets(rows: &[(Instance, &Measurement)]) -> String {
    let lines = rows.iter().map(|(instance, measured)| {
        let plan = &measured.plan;
        let target = instance.size.target.as_ref();
        let spent = measured.one.median_processor();
        let time = match target {
            Some(target) => {
                judged(&seconds(spent), spent < target.seconds, &format!("< {} s", target.seconds))
            }
            None => seconds(spent),
        };
        let left = sum(&plan.goals, |goal| (!goal.hard).then_some(goal.after));
        let left = if target.is_some() {
            judged(&thousands(left), left == 0, "0")
        } else {
            thousands(left)
        };
        let skewed = target.is_some() && instance.is_skewed();
        let reached = sum(&plan.goals, |goal| Some(goal.after)) == 0;
        let over = |moved: f64, bound: f64, most: f64| match ratio(moved, bound) {
            Some(ratio) if reached && skewed => {
                judged(&format!("{ratio:.3}"), ratio <= most, &format!("<= {most:.2}"))
            }
            Some(ratio) if reached => format!("{ratio:.3}"),
            Some(ratio) => format!("{ratio:.3}\\*"),
            None => "-".to_owned(),
        };
        let memory = match target.and_then(|target| target.memory) {
            Some(most) => judged(
                &megabytes(measured.peak_memory),
                measured.peak_memory < most,
                &format!("< {}", megabytes(most)),
            ),
            None => megabytes(measured.peak_memory),
        };
        let identical = if measured.identical { "yes" } else { "**no**" };
        vec![
            name(*instance),
            time,
            left,
            over(plan.replicas as f64, plan.replicas_bound as f64, REPLICAS_TARGET),
            over(plan.bytes, plan.bytes_bound, BYTES_TARGET),
            memory,
            identical.to_owned(),
        ]
    });
    section(
        "Targets",
        "Time on a processor with one thread, the median of the runs: what a clock shows on a machine that does nothing \
         else. Ratios to the lower bounds have a target on skewed clusters alone: a uniform one takes so few moves that a \
         handful more is a large share. Bounds hold for plans that leave nothing violated: where something is left, \
         the ratio has a star and no verdict. Memory is the peak of the whole process before the \
         greedy's first turn: the cluster, the model, the search with one thread and with two, and the plan.",
        &[
            "cluster",
            "time",
            "soft goals left violated",
            "replicas moved / bound",
            "bytes moved / bound",
            "peak memory",
            "same plan with 1 and 2 threads",
        ],
        lines,
    )
}

fn times(rows: &[(Instance, &Measurement)]) -> String {
    let lines = rows.iter().map(|(instance, measured)| {
        let greedy = measured.greedy.as_ref();
        vec![
            name(*instance),
            measured.one.wall.len().to_string(),
            spread(&measured.one),
            seconds(measured.one.least_processor()),
            spread(&measured.two),
            ratio(measured.one.least(), measured.two.least())
                .map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
            greedy.map_or("-".to_owned(), |greedy| spread(&greedy.times)),
            greedy
                .and_then(|greedy| {
                    ratio(greedy.times.least_processor(), measured.one.least_processor())
                })
                .map_or("-".to_owned(), |ratio| format!("{ratio:.1}")),
            seconds(measured.generate_seconds),
            seconds(measured.model_seconds),
        ]
    });
    section(
        "Times",
        "By the clock, the least of the runs / their median; where it says so, on a processor, which a busy machine \
         stretches less.",
        &[
            "cluster",
            "runs",
            "1 thread",
            "1 thread, on a processor",
            "2 threads",
            "1 thread / 2 threads",
            "greedy",
            "greedy / planner, on a processor",
            "generating the cluster",
            "reading it into a model",
        ],
        lines,
    )
}

fn violations(rows: &[(Instance, &Measurement)]) -> String {
    let lines = rows.iter().map(|(instance, measured)| {
        let goals = &measured.plan.goals;
        let greedy = measured.greedy.as_ref();
        vec![
            name(*instance),
            thousands(sum(goals, |goal| goal.hard.then_some(goal.before))),
            by_goal(goals, |goal| goal.hard),
            thousands(sum(goals, |goal| (!goal.hard).then_some(goal.before))),
            by_goal(goals, |goal| !goal.hard),
            greedy.map_or("-".to_owned(), |greedy| by_goal(&greedy.goals, |goal| goal.hard)),
            greedy.map_or("-".to_owned(), |greedy| {
                by_goal(&greedy.goals, |goal| !goal.hard && !is_ours(&goal.goal))
            }),
        ]
    });
    let mut text = section(
        "What is left violated",
        "Brokers, partitions, or pairs of topic and broker, as the goal has it; the sum, then by goal. The greedy's are \
         counted by the same rules, over the goals that it knows: those that Cruise Control has by default.",
        &[
            "cluster",
            "hard before",
            "hard left",
            "soft before",
            "soft left",
            "greedy: hard left",
            "greedy: soft left",
        ],
        lines,
    );
    let mut told = rows.iter().filter(|(_, measured)| !measured.plan.reasons.is_empty()).peekable();
    if told.peek().is_some() {
        text.push_str("\nWhat the plans say about it:\n\n");
        for (instance, measured) in told {
            let reasons = &measured.plan.reasons;
            for reason in reasons.iter().take(REASONS) {
                let _ = writeln!(text, "- {}: {reason}", name(*instance));
            }
            if reasons.len() > REASONS {
                let _ =
                    writeln!(text, "- {}: and {} more", name(*instance), reasons.len() - REASONS);
            }
        }
    }
    text
}

fn moves(rows: &[(Instance, &Measurement)]) -> String {
    let lines = rows.iter().map(|(instance, measured)| {
        let plan = &measured.plan;
        let greedy = measured.greedy.as_ref();
        vec![
            name(*instance),
            thousands(plan.replicas),
            thousands(plan.replicas_bound),
            thousands(plan.bytes.round() as u64),
            thousands(plan.bytes_bound.round() as u64),
            thousands(plan.leaders),
            thousands(plan.steps as u64),
            greedy.map_or("-".to_owned(), |greedy| thousands(greedy.replicas)),
            greedy.map_or("-".to_owned(), |greedy| thousands(greedy.bytes.round() as u64)),
        ]
    });
    section(
        "What is moved",
        "The bounds hold for every plan that ends inside the same limits. Bytes are in the clusters' unit, of which a \
         replica has a hundred on the average.",
        &[
            "cluster",
            "replicas",
            "bound",
            "bytes",
            "bound",
            "leaders",
            "steps",
            "greedy: replicas",
            "greedy: bytes",
        ],
        lines,
    )
}

fn cruise_control() -> String {
    section(
        "Cruise Control itself",
        "Not measured here: its trunk of August 2026 on Java 17, with its 16 default goals and thresholds, in fast mode, on a \
         warm JVM, one core at about 3 GHz, on clusters from its own generator. Times are those of the optimiser's thread on a \
         processor. Its users report 95 minutes (18 in fast mode) for about 215 brokers and 2.8 million replicas, and 13 to \
         17 minutes for about 270 brokers and 1.3 million.",
        &["its cluster", "time", "replicas moved (disk moved, MB)", "left violated"],
        CRUISE_CONTROL.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()),
    )
}

fn clusters() -> String {
    section(
        "The clusters",
        "All from the library's generator with its defaults: 10 racks, 3 replicas for each partition, one broker with half \
         the capacity of the others, loads exponential around the popularity of their topic. \
         Linear and exponential clusters put the more replicas on a broker the higher its number is. \
         Capacities are the base's times the factor: 215 brokers with 2.8 million replicas \
         are to be used as much, on the average, as 40 with 50,001. They have 13,023 replicas each, beyond the 10,000 \
         that a broker may have by default, so that the limit is raised there to twice the average. \
         Where brokers are new, they are empty, and only they may receive: what is out of its band between the old ones \
         is left, unless it can flow to the new ones.",
        &["cluster", "topics", "replicas a broker", "capacity factor", "most replicas a broker"],
        SIZES.iter().map(|size| size.recipe_row().to_vec()),
    )
}

fn name(instance: Instance) -> String {
    format!("{}, {}", instance.size.describe(), instance.distribution)
}

fn is_ours(goal: &str) -> bool {
    OURS.iter().any(|ours| ours.name() == goal)
}

fn sum(goals: &[Violations], count: impl Fn(&Violations) -> Option<u64>) -> u64 {
    goals.iter().filter_map(count).sum()
}

/// The sum of what is left, and where it isn't zero.
fn by_goal(goals: &[Violations], chosen: impl Fn(&Violations) -> bool) -> String {
    let left: Vec<&Violations> =
        goals.iter().filter(|goal| chosen(goal) && goal.after > 0).collect();
    if left.is_empty() {
        return "0".to_owned();
    }
    let total = left.iter().map(|goal| goal.after).sum();
    let parts: Vec<String> = left
        .iter()
        .map(|goal| {
            format!(
                "{} {}",
                goal.goal.strip_suffix("Goal").unwrap_or(&goal.goal),
                thousands(goal.after)
            )
        })
        .collect();
    format!("{}: {}", thousands(total), parts.join(", "))
}
