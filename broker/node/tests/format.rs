//! Formatting, and the check at start.

use std::path::{Path, PathBuf};

use taffrail_log::{Disk, DiskFile, LogDir, OpenMode};
use taffrail_metadata::{BootstrapRecords, MetadataVersion};
use taffrail_model::Uuid;
use taffrail_node::control::{
    CLUSTER_METADATA_DIR, latest_snapshot, read_bootstrap, read_snapshot,
};
use taffrail_node::format::{FormatError, FormatOptions, format, verify_formatted};
use taffrail_quorum::snapshot::BOOTSTRAP_SNAPSHOT_ID;
use taffrail_quorum::{VoterEndpoint, VoterKey};
use taffrail_testkit::{Fault, MemDisk, SeededRng};

const A: &str = "/data/a";
const B: &str = "/data/b";

fn options() -> FormatOptions {
    FormatOptions {
        log_dirs: vec![A.into(), B.into()],
        metadata_dir: A.into(),
        cluster_id: "MkU3OEVBNTcwNTJENDM2Qk".to_owned(),
        node_id: 1,
        standalone_controller: Some(vec![VoterEndpoint {
            name: "CONTROLLER".to_owned(),
            host: "localhost".to_owned(),
            port: 9093,
        }]),
        bootstrap: BootstrapRecords::of_release(MetadataVersion::LATEST),
        ignore_formatted: false,
    }
}

/// Ids of 16 equal bytes, counting up.
fn counting() -> impl FnMut() -> [u8; 16] {
    let mut next = 0;
    move || {
        next += 1;
        [next; 16]
    }
}

fn run(disk: &MemDisk, options: &FormatOptions) -> Result<Vec<(PathBuf, Uuid)>, FormatError> {
    let outcome = format(disk, options, &mut counting(), 1_000)?;
    Ok(outcome.formatted.into_iter().map(|dir| (dir.path, dir.directory_id)).collect())
}

fn dirs() -> Vec<PathBuf> {
    vec![A.into(), B.into()]
}

#[test]
fn every_directory_gets_an_id_and_the_metadata_directory_its_checkpoints() {
    let disk = MemDisk::new();
    let formatted = run(&disk, &options()).expect("formatted");
    disk.crash(&mut SeededRng::new(1));

    let verified = verify_formatted(&disk, 1, &dirs()).expect("this node's");
    assert_eq!(verified.cluster_id, "MkU3OEVBNTcwNTJENDM2Qk");
    assert_eq!(verified.directory_ids, formatted);
    assert_ne!(formatted[0].1, formatted[1].1);

    let log_dir = Path::new(A).join(CLUSTER_METADATA_DIR);
    let id = latest_snapshot(&disk, &log_dir).expect("listed").expect("a snapshot");
    assert_eq!(id, BOOTSTRAP_SNAPSHOT_ID);
    let snapshot = read_snapshot(&disk, &log_dir, id).expect("readable");
    let voters = snapshot.voters.expect("voters");
    let key = VoterKey { id: 1, directory_id: formatted[0].1 };
    assert_eq!(voters.voters().iter().map(|voter| voter.key).collect::<Vec<_>>(), [key]);
    let bootstrap = read_bootstrap(&disk, Path::new(A)).expect("readable").expect("there");
    assert_eq!(bootstrap.len(), 6);
    assert_eq!(disk.exists(&Path::new(B).join(CLUSTER_METADATA_DIR)).ok(), Some(false));
}

#[test]
fn a_metadata_directory_of_its_own_is_formatted_too_and_a_broker_has_no_checkpoint() {
    let disk = MemDisk::new();
    let metadata_dir = PathBuf::from("/meta");
    let options = FormatOptions {
        metadata_dir: metadata_dir.clone(),
        standalone_controller: None,
        ..options()
    };
    let formatted = run(&disk, &options).expect("formatted");
    assert_eq!(formatted.len(), 3);
    assert_eq!(disk.exists(&metadata_dir.join(CLUSTER_METADATA_DIR)).ok(), Some(false));
}

#[test]
fn what_is_formatted_is_never_formatted_over() {
    let disk = MemDisk::new();
    let first = run(&disk, &options()).expect("formatted");
    let error = run(&disk, &options()).expect_err("refused").to_string();
    assert!(error.contains(A) && error.contains("--ignore-formatted"), "{error}");

    let c = PathBuf::from("/data/c");
    let more = FormatOptions {
        log_dirs: vec![A.into(), B.into(), c.clone()],
        ignore_formatted: true,
        ..options()
    };
    let outcome = format(&disk, &more, &mut counting(), 1_000).expect("formatted");
    assert_eq!(outcome.left_alone, dirs());
    // The generator begins anew, and its first two ids are taken.
    let [new] = &outcome.formatted[..] else { panic!("{outcome:?}") };
    assert_eq!(new.path, c);
    assert!(first.iter().all(|(_, id)| *id != new.directory_id));
    let verified = verify_formatted(&disk, 1, &dirs()).expect("as before");
    assert_eq!(verified.directory_ids, first);
}

#[test]
fn directories_of_others_are_refused_by_name() {
    let disk = MemDisk::new();
    run(&disk, &options()).expect("formatted");
    let check = |error: FormatError, words: &[&str]| {
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "{text}");
        }
    };
    let refused = |disk: &MemDisk, change: &dyn Fn(&mut FormatOptions)| {
        let mut options = options();
        change(&mut options);
        run(disk, &options).expect_err("refused")
    };
    check(refused(&disk, &|o| o.cluster_id = "other".to_owned()), &[A, "other", "MkU3"]);
    check(refused(&disk, &|o| o.node_id = 2), &[A, "node 1", "node.id is 2"]);
    check(refused(&disk, &|o| o.node_id = -1), &["-1"]);
    check(refused(&disk, &|o| o.cluster_id = String::new()), &["cluster id"]);
    check(refused(&disk, &|o| o.cluster_id = "a\nb".to_owned()), &["cluster id"]);
    check(refused(&disk, &|o| o.log_dirs.clear()), &["log.dirs"]);

    let verify =
        |node_id, dirs: &[PathBuf]| verify_formatted(&disk, node_id, dirs).expect_err("refused");
    check(verify(2, &dirs()), &[A, "node 1"]);
    check(verify(1, &[A.into(), "/data/new".into()]), &["/data/new", "taffrail storage format"]);
    check(verify(1, &[]), &["log.dirs"]);

    let copy = LogDir::new(disk.clone(), A).meta_properties().expect("readable").expect("there");
    disk.create_dir_all(Path::new("/data/copy")).expect("created");
    LogDir::new(disk.clone(), "/data/copy").write_meta_properties(&copy).expect("written");
    check(verify(1, &[A.into(), "/data/copy".into()]), &[A, "/data/copy", "directory.id"]);
}

#[test]
fn a_controller_that_lost_its_properties_is_not_given_a_new_identity() {
    let disk = MemDisk::new();
    run(&disk, &options()).expect("formatted");
    let state = Path::new(A).join(CLUSTER_METADATA_DIR).join("quorum-state");
    disk.open(&state, OpenMode::Create).expect("created").write_all_at(b"{}", 0).expect("written");
    disk.remove_file(&Path::new(A).join("meta.properties")).expect("removed");
    let ignoring = FormatOptions { ignore_formatted: true, ..options() };
    let error = run(&disk, &ignoring).expect_err("refused");
    assert!(matches!(error, FormatError::MetadataWithoutProperties(_)), "{error}");
}

/// Whatever the power cut leaves, doing it again finishes it.
#[test]
fn a_format_that_was_cut_off_is_done_again() {
    for seed in 0.. {
        let disk = MemDisk::new();
        disk.fail_at(disk.operations() + seed, Fault::Crash);
        let finished = run(&disk, &options()).is_ok();
        disk.crash(&mut SeededRng::new(seed));
        let again = FormatOptions { ignore_formatted: true, ..options() };
        run(&disk, &again).expect("formatted");
        let verified = verify_formatted(&disk, 1, &dirs()).expect("this node's");
        let log_dir = Path::new(A).join(CLUSTER_METADATA_DIR);
        let snapshot =
            read_snapshot(&disk, &log_dir, BOOTSTRAP_SNAPSHOT_ID).expect("a whole snapshot");
        assert_eq!(
            snapshot.voters.expect("voters").voters()[0].key.directory_id,
            verified.directory_id(Path::new(A)).expect("formatted"),
            "cut off at operation {seed}"
        );
        if finished {
            return;
        }
    }
}
