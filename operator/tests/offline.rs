//! `plan` and `generate` as a user meets them: by their flags, what they print, and their exit codes.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests own files")]

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder of models, and the program that reads them.
struct Shell {
    folder: TempDir,
}

/// What the program said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Shell {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &dyn ToString) {
        fs::write(self.path(name), text.to_string()).expect("writes");
    }

    /// Runs a line in the folder. Words are apart by spaces.
    fn run(&self, line: &str) -> Said {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, stdin: &str) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_taffrail-operator"))
            .current_dir(self.folder.path())
            .args(line.split_whitespace())
            .write_stdin(stdin)
            .output()
            .expect("runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What the line prints when it succeeds.
    fn ok(&self, line: &str) -> String {
        let said = self.run(line);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{line}");
        said.out
    }

    /// The line fails with this code and a message that has all these parts.
    fn refuses(&self, line: &str, code: i32, parts: &[&str]) {
        let said = self.run(line);
        assert_eq!(said.code, Some(code), "{line}: {}{}", said.out, said.err);
        assert_eq!(said.out, "", "{line}");
        for part in parts {
            assert!(said.err.contains(part), "{line}: no {part:?} in {}", said.err);
        }
    }
}

/// Three brokers in three racks, of which the first two hold all.
fn lopsided() -> Value {
    let broker = |id, rack| {
        json!({
            "id": id, "rack": rack,
            "capacity": {"cpu": 8, "network_in": 1e9, "network_out": 1e9, "disk": 1e12},
        })
    };
    let replica = |broker| json!({"broker": broker, "load": {"cpu": 0.01, "network_in": 1e6, "network_out": 0, "disk": 1e9}});
    let partition = |id| json!({"id": id, "leader": 1, "replicas": [replica(1), replica(2)]});
    json!({
        "brokers": [broker(1, "a"), broker(2, "b"), broker(3, "c")],
        "topics": [{"name": "orders", "partitions": (0..30).map(partition).collect::<Vec<_>>()}],
    })
}

fn small(shell: &Shell, more: &str) {
    shell.ok(&format!(
        "generate --brokers 6 --racks 3 --replicas 600 --topics 40 -o small.json {more}"
    ));
}

#[test]
fn help_says_what_there_is_and_shows_how() {
    let shell = Shell::new();
    let check = |line: &str, parts: &[&str]| {
        let text = shell.ok(line);
        for part in parts {
            assert!(text.contains(part), "{line}: no {part:?} in {text}");
        }
    };
    check("--help", &["plan", "generate", "run"]);
    check(
        "plan --help",
        &[
            "--goals",
            "--operation",
            "remove-log-dirs",
            "--balance-threshold",
            "--exclude-brokers-for-leadership",
            "Examples:",
        ],
    );
    check(
        "generate --help",
        &["--distribution", "[default: 50001]", "[default: uniform]", "Examples:"],
    );
}

#[test]
fn a_plan_in_json_has_the_keys_that_it_promises() {
    let shell = Shell::new();
    shell.write("model.json", &lopsided());
    let plan: Value = serde_json::from_str(&shell.ok("plan model.json -o json")).expect("JSON");
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(
        keys(&plan),
        [
            "basis",
            "bytes_lower_bound",
            "bytes_moved",
            "goals",
            "id",
            "leaders_moved",
            "operation",
            "provision",
            "reasons",
            "replicas_lower_bound",
            "replicas_moved",
            "seed",
            "steps",
        ]
    );
    assert_eq!(
        keys(&plan["steps"][0]),
        ["bytes", "from", "kind", "leader", "partition", "to", "topic"]
    );
    assert_eq!(keys(&plan["goals"][0]), ["hard", "name", "violations_after", "violations_before"]);
    assert_eq!(keys(&plan["provision"]), ["recommendations", "status"]);
    assert_eq!(plan["operation"], "rebalance");
}

#[test]
fn the_same_flags_give_the_same_bytes_with_one_thread_and_with_two() {
    let shell = Shell::new();
    small(&shell, "--distribution linear");
    let first = fs::read(shell.path("small.json")).expect("reads");
    small(&shell, "--distribution linear");
    assert_eq!(first, fs::read(shell.path("small.json")).expect("reads"));

    let one = shell.ok("plan small.json --seed 5 -o json --threads 1");
    assert!(one.len() > 1_000, "a plan with steps: {one}");
    assert_eq!(one, shell.ok("plan small.json --seed 5 -o json --threads 2"));
    assert_eq!(one, shell.ok("plan small.json --seed 5 -o json"));
    for format in ["table", "svg"] {
        let line = format!("plan small.json -o {format}");
        assert_eq!(shell.ok(&line), shell.ok(&format!("{line} --threads 2")));
    }
}

#[test]
fn the_table_shows_the_cluster_before_and_after() {
    let shell = Shell::new();
    shell.write("model.json", &lopsided());
    let table = shell.ok("plan model.json");
    for part in [
        "REBALANCE\n",
        "cluster         3 brokers, 1 topic, 30 partitions, 60 replicas",
        "\nGOALS",
        "soft  ReplicaDistributionGoal",
        "\nLOAD",
        "\nBROKERS\n  id  rack  state",
        "\n   3  c     alive    0 → ",
        "\nSTEPS",
        "more: -o json has every step",
    ] {
        assert!(table.contains(part), "no {part:?} in\n{table}");
    }
    assert_eq!(table, shell.ok("plan model.json -o table"));
}

#[test]
fn a_model_comes_from_stdin_too() {
    let shell = Shell::new();
    shell.write("model.json", &lopsided());
    let said = shell.run_with("plan - -o json", &lopsided().to_string());
    assert_eq!(said.out, shell.ok("plan model.json -o json"));
    let said = shell.run_with("plan -", "{");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("stdin is no model: line 1"), "{}", said.err);
}

#[test]
fn a_cluster_that_is_well_is_left_alone() {
    let shell = Shell::new();
    let mut model = lopsided();
    for (id, partition) in
        model["topics"][0]["partitions"].as_array_mut().expect("a list").iter_mut().enumerate()
    {
        if id % 2 == 0 {
            partition["leader"] = json!(2);
            partition["replicas"].as_array_mut().expect("a list").reverse();
        }
    }
    model["brokers"].as_array_mut().expect("a list").pop();
    shell.write("model.json", &model);
    let table = shell.ok("plan model.json");
    assert!(table.starts_with("REBALANCE: nothing to do\n"), "{table}");
    let plan: Value = serde_json::from_str(&shell.ok("plan model.json -o json")).expect("JSON");
    assert_eq!(plan["steps"], json!([]));
}

#[test]
fn every_operation_has_its_plan() {
    let shell = Shell::new();
    small(&shell, "--log-dirs 2 --new-brokers 1");
    let check = |flags: &str, expect: &dyn Fn(&Value) -> bool| {
        let line = format!("plan small.json -o json {flags}");
        let plan: Value = serde_json::from_str(&shell.ok(&line)).expect("JSON");
        assert!(flags.contains(plan["operation"].as_str().expect("a name")), "{flags}");
        assert!(expect(&plan), "{flags}: {plan:#}");
    };
    let moves = |plan: &Value| plan["replicas_moved"].as_u64() > Some(0);
    let copies_nothing = |plan: &Value| plan["replicas_moved"] == 0 && plan["bytes_moved"] == 0.0;
    check("--operation rebalance", &moves);
    check("--operation add-brokers --brokers 6", &moves);
    check("--operation remove-brokers --brokers 1,2", &moves);
    // Nothing is offline, and for soft goals nothing else moves.
    check(
        "--operation fix-offline --goals ReplicaDistribution,DiskUsageDistribution",
        &copies_nothing,
    );
    check("--operation remove-log-dirs --log-dirs 1:/data/0", &|plan| plan["steps"] != json!([]));
    check("--operation demote --brokers 1", &|plan| {
        copies_nothing(plan) && plan["leaders_moved"].as_u64() > Some(0)
    });
    check("--operation leaders", &copies_nothing);
    check("--operation replication-factor --topics t1,t2 --factor 2", &|plan| {
        plan["steps"].as_array().is_some_and(|steps| {
            steps.iter().any(|step| step["kind"] == "remove")
                && steps.iter().all(|step| step["topic"] != "t0")
        })
    });
}

#[test]
fn flags_that_do_not_fit_together_are_misuse() {
    let shell = Shell::new();
    shell.write("model.json", &lopsided());
    let check =
        |flags: &str, parts: &[&str]| shell.refuses(&format!("plan model.json {flags}"), 2, parts);
    check(
        "--operation remove-brokers",
        &["--brokers is missing", "remove-brokers", "such as --brokers 1,2"],
    );
    check(
        "--brokers 1",
        &["--brokers is of no use to --operation rebalance", "leave it out", "demote"],
    );
    check("--operation remove-log-dirs", &["--log-dirs is missing", "such as --log-dirs 1:/"]);
    check(
        "--operation leaders --log-dirs 1:/a",
        &["--log-dirs is of no use to --operation leaders"],
    );
    check("--operation remove-log-dirs --log-dirs 1", &["'1' for '--log-dirs", "BROKER:PATH"]);
    check("--operation replication-factor", &["--factor is missing", "such as --factor 3"]);
    check("--topics orders", &["--topics is of no use", "replication-factor"]);
    check("--factor 2", &["--factor is of no use", "replication-factor"]);
    check("--operation defrag", &["--operation", "defrag", "rebalance"]);
    check("--threads 0", &["--threads", "give 1 or more"]);
    check("--threads 100000", &["--threads", "no more than"]);
    check("--goals Rack", &["--goals", "no goal is named \"Rack\"", "RackAwareGoal"]);
    check("--goals BrokerSetAware", &["BrokerSetAwareGoal", "--broker-sets FILE"]);
    check("--goals RackAware --broker-sets sets.json", &["--broker-sets is of no use", "--goals"]);
    check("--balance-threshold 0.9", &["--balance-threshold", "1 or more"]);
    check("--balance-threshold memory=1.1", &["--balance-threshold", "network_in"]);
    check("--capacity-threshold 80", &["--capacity-threshold", "from 0 to 1"]);
    check("--max-replicas-per-broker 0", &["--max-replicas-per-broker"]);
    check("--topic-min-gap 50", &["--topic-min-gap 50", "--topic-max-gap 40"]);
    check("--all -o json", &["--all is about the table"]);
    check("-o xml", &["--output", "json, table, svg"]);
}

#[test]
fn what_the_model_does_not_have_is_refused_by_the_flag_that_names_it() {
    let shell = Shell::new();
    shell.write("model.json", &lopsided());
    let check =
        |flags: &str, parts: &[&str]| shell.refuses(&format!("plan model.json {flags}"), 1, parts);
    check(
        "--operation remove-brokers --brokers 3,8,9",
        &["--brokers: model.json has no broker 8, 9", "it has 1, 2, 3"],
    );
    check("--exclude-brokers-for-replicas 7", &["--exclude-brokers-for-replicas: ", "no broker 7"]);
    check(
        "--exclude-brokers-for-leadership 7",
        &["--exclude-brokers-for-leadership: ", "no broker 7"],
    );
    check(
        "--operation remove-log-dirs --log-dirs 1:/a",
        &["--log-dirs: ", "broker 1", "--operation remove-brokers"],
    );
    check("--excluded-topics orders,nope", &["--excluded-topics: ", "no topic nope;"]);
    check(
        "--operation replication-factor --topics nope --factor 2",
        &["--topics: ", "no topic nope;"],
    );
    check("--operation replication-factor --factor 4", &["4", "3"]);

    small(&shell, "--log-dirs 2");
    let line = "plan small.json --operation remove-log-dirs --log-dirs 1:/nope";
    shell.refuses(line, 1, &["broker 1 has no directory \"/nope\"", "/data/0, /data/1"]);
}

#[test]
fn sets_of_brokers_are_read_from_a_file() {
    let shell = Shell::new();
    shell.write("model.json", &lopsided());
    let check = |sets: &str, parts: &[&str]| {
        shell.write("sets.json", &sets);
        shell.refuses("plan model.json --broker-sets sets.json", 1, parts);
    };
    check("{\"a\": [1, 2], \"b\": [2, 3]}", &["--broker-sets: broker 2 is in \"a\" and in \"b\""]);
    check("{\"a\": [1, 9]}", &["--broker-sets: model.json has no broker 9"]);
    check("[1, 2]", &["--broker-sets: sets.json", "line 1"]);
    shell.refuses(
        "plan model.json --broker-sets none.json",
        1,
        &["--broker-sets: can't read none.json"],
    );

    shell.write("sets.json", &"{\"a\": [1, 2], \"b\": [3]}");
    let plan = shell.ok("plan model.json --broker-sets sets.json -o json");
    assert!(plan.contains("BrokerSetAwareGoal"), "{plan}");
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!(plan["replicas_moved"], 0, "the topic stays in its set");
}

#[test]
fn files_that_are_no_models_are_refused_with_the_place() {
    let shell = Shell::new();
    shell.refuses("plan none.json", 1, &["can't read the model none.json", "No such file"]);
    shell.refuses("plan .", 1, &["can't read the model .", "directory"]);
    let check = |text: &str, parts: &[&str]| {
        shell.write("model.json", &text);
        shell.refuses("plan model.json", 1, parts);
    };
    check("", &["model.json is empty", "generate"]);
    check("{\"brokers\": [}", &["model.json is no model: line 1, column 14"]);
    check("{\"brokers\": [], \"colour\": 1}", &["model.json is no model", "colour"]);
    check("{\"brokers\": []}", &["model.json isn't sound"]);
    let mut model = lopsided();
    model["brokers"][0]["capacity"]["disk"] = json!(-1);
    model["topics"][0]["partitions"][5]["replicas"][1]["broker"] = json!(77);
    check(
        &model.to_string(),
        &["brokers[0].capacity.disk", "topics[0].partitions[5].replicas[1]", "77"],
    );
}

#[test]
fn clusters_that_can_not_be_are_refused() {
    let shell = Shell::new();
    shell.refuses("generate --rf 50", 1, &["there is no such cluster", "50", "40"]);
    shell.refuses("generate --brokers 0", 1, &["there is no such cluster", "brokers"]);
    shell.refuses(
        "generate --capacity-factor NaN",
        1,
        &["there is no such cluster", "capacity factor"],
    );
    shell.refuses(
        "generate --distribution normal",
        2,
        &["--distribution", "uniform, linear and exponential"],
    );
    shell.refuses("generate -o no/such/folder.json", 1, &["can't create no/such/folder.json"]);
}

#[test]
fn names_from_a_model_are_neither_markup_nor_orders_to_a_terminal() {
    let shell = Shell::new();
    let mut model = lopsided();
    model["brokers"][2]["rack"] = json!("<script>alert(\"&'\")</script>\u{1b}[2J\u{1}");
    shell.write("model.json", &model);
    let picture = shell.ok("plan model.json -o svg");
    assert!(picture.contains("&lt;script&gt;") && !picture.contains("<script"), "{picture}");
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
    for text in [picture, shell.ok("plan model.json --all")] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}

#[test]
fn thresholds_move_the_bands() {
    let shell = Shell::new();
    small(&shell, "--distribution exponential --capacity-factor 10");
    let check = |flags: &str, line: &str| {
        let table = shell.ok(&format!("plan small.json {flags}"));
        assert!(
            table.lines().any(|other| other.starts_with("  replicas  ") && other.ends_with(line)),
            "{flags}: {table}"
        );
    };
    // 612 replicas on six brokers: 102 each.
    check("", "92 … 112  10,000");
    check("--balance-threshold replicas=2", "10 … 194  10,000");
    check("--balance-threshold 1.5 --max-replicas-per-broker 300", "56 … 148     300");
    check("--goals DiskCapacity", "-       -");
}

#[test]
fn the_picture_calls_out_whoever_violates_the_goal() {
    let shell = Shell::new();
    small(&shell, "--log-dirs 2 --distribution exponential");
    let check = |flags: &str| {
        let line = format!("plan small.json --goals DiskUsageDistribution {flags}");
        let plan: Value =
            serde_json::from_str(&shell.ok(&format!("{line} -o json"))).expect("JSON");
        let goal = &plan["goals"][0];
        let violations = ["violations_before", "violations_after"].map(|key| goal[key].as_u64());
        let picture = shell.ok(&format!("{line} -o svg"));
        let out =
            picture.lines().filter(|bar| bar.contains("class=\"out\"") && bar.contains(": disk "));
        let expect = violations.into_iter().flatten().sum::<u64>();
        assert!(expect > 0, "{flags}: {goal}");
        assert_eq!(out.count() as u64, expect, "{flags}: {goal}");
    };
    check("--operation rebalance");
    check("--operation leaders");
    // A directory that is to be emptied carries nothing: its broker's share is less, and that of the others more.
    check("--operation remove-log-dirs --log-dirs 3:/data/0");
}
