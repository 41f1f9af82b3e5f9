//! The directories of a node before its start: this node's, or empty and made this node's.
//!
//! Architecture Invariant: a directory that isn't empty and isn't formatted is never formatted, since nobody knows
//! whose it is; and metadata is never made anew beside data that belonged to other metadata.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use taffrail_log::LogDir;
use taffrail_metadata::MetadataVersion;
use taffrail_node::format::{FormatError, Outcome, verify_formatted};

use super::storage::format_locked;
use crate::config::{LockedDirs, ServerConfig};
use crate::runtime::OsDisk;

/// What formatting and locking leave behind when they are interrupted; a directory with nothing else
/// may be formatted.
const OWN_NAMES: [&str; 3] = [".lock", "bootstrap.checkpoint", "__cluster_metadata-0"];

/// Formats the directories that are empty or absent, those of an interrupted format included, and checks the others.
pub(super) fn format_empty(config: &ServerConfig, cluster_id: &str) -> anyhow::Result<Outcome> {
    // Before the locks, which are files, so that nothing at all is left in what is somebody else's; and again
    // behind them, when no other process can change what was found.
    check_formattable(config)?;
    let _locks = LockedDirs::acquire(&OsDisk, config.directories())?;
    check_formattable(config)?;
    format_locked(config, cluster_id, MetadataVersion::LATEST, true)
}

fn check_formattable(config: &ServerConfig) -> anyhow::Result<()> {
    let mut formatted: Option<&Path> = None;
    let mut metadata_is_formatted = false;
    for directory in config.directories() {
        if LogDir::new(OsDisk, directory).meta_properties()?.is_some() {
            formatted.get_or_insert(directory);
            metadata_is_formatted |= directory == config.metadata_dir;
        } else {
            check_empty(directory)?;
        }
    }
    // The metadata directory is formatted first, so that no interrupted format leaves this behind.
    if let (Some(formatted), false) = (formatted, metadata_is_formatted) {
        bail!(
            "{} is formatted, and metadata directory {} is empty: the metadata that its logs belong to is missing; \
             mount the volume that has it, or empty all directories",
            formatted.display(),
            config.metadata_dir.display()
        );
    }
    Ok(())
}

/// Checks that all directories are formatted, for this cluster and this node.
pub(super) fn check_cluster(config: &ServerConfig, cluster_id: &str) -> Result<(), FormatError> {
    let directories: Vec<PathBuf> = config.directories().map(Into::into).collect();
    let found = verify_formatted(&OsDisk, config.node_id, &directories)?;
    if found.cluster_id == cluster_id {
        return Ok(());
    }
    Err(FormatError::ClusterIdMismatch {
        path: directories.into_iter().next().unwrap_or_default(),
        found: found.cluster_id,
        expected: cluster_id.to_owned(),
    })
}

/// Refuses a directory that holds something that no broker left there. A broker must not spread its files over
/// somebody's home, nor over another program's volume, because of a wrong argument.
pub(super) fn check_empty(directory: &Path) -> anyhow::Result<()> {
    let found = foreign_entry(directory)
        .with_context(|| format!("data directory {} can't be read", directory.display()))?;
    if let Some(name) = found {
        bail!(
            "{} holds '{name}' and is no data directory of a broker; choose an empty or a new one",
            directory.display()
        );
    }
    Ok(())
}

fn foreign_entry(directory: &Path) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_temporary = Path::new(&name).extension().is_some_and(|e| e == "tmp" || e == "part");
        if !OWN_NAMES.contains(&name.as_str()) && !is_temporary {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Properties;

    const CLUSTER: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

    fn config(root: &Path, more: &str) -> ServerConfig {
        let root = root.display();
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\nlog.dirs={root}/a,{root}/b,{root}/c\n\
             metadata.log.dir={root}/b\nlisteners=PLAINTEXT://localhost:0,CONTROLLER://localhost:0\n\
             controller.listener.names=CONTROLLER\ncontroller.quorum.voters=1@localhost:0\n{more}"
        );
        ServerConfig::resolve(Properties::parse(&text).unwrap()).unwrap()
    }

    fn check_refused(config: &ServerConfig, cluster_id: &str, part: &str) {
        let error = format!("{:#}", format_empty(config, cluster_id).unwrap_err());
        assert!(error.contains(part), "'{part}' is not in: {error}");
    }

    #[test]
    fn empty_directories_are_formatted_once() {
        let root = tempfile::tempdir().unwrap();
        let config = config(root.path(), "");
        // What mkfs leaves lies beside.
        fs::create_dir(root.path().join("lost+found")).unwrap();
        let outcome = format_empty(&config, CLUSTER).unwrap();
        assert_eq!(outcome.formatted.len(), 3);
        assert_eq!(outcome.formatted[0].path, root.path().join("b"));
        let again = format_empty(&config, CLUSTER).unwrap();
        assert_eq!((again.formatted.len(), again.left_alone.len()), (0, 3));
        check_cluster(&config, CLUSTER).unwrap();
    }

    #[test]
    fn an_interrupted_format_is_finished() {
        let root = tempfile::tempdir().unwrap();
        let config = config(root.path(), "");
        format_empty(&config, CLUSTER).unwrap();
        // Ended behind the metadata directory, and then behind the second one.
        for left in [["a", "c"].as_slice(), &["c"]] {
            for name in left {
                fs::remove_file(root.path().join(name).join("meta.properties")).unwrap();
            }
            fs::write(root.path().join("c/meta.properties.tmp"), "cut").unwrap();
            assert!(check_cluster(&config, CLUSTER).is_err());
            assert_eq!(format_empty(&config, CLUSTER).unwrap().formatted.len(), left.len());
            check_cluster(&config, CLUSTER).unwrap();
        }
    }

    #[test]
    fn an_interrupted_format_of_the_metadata_directory_is_done_again() {
        let root = tempfile::tempdir().unwrap();
        let config = config(root.path(), "");
        format_empty(&config, CLUSTER).unwrap();
        for name in ["a", "b", "c"] {
            fs::remove_file(root.path().join(name).join("meta.properties")).unwrap();
        }
        assert_eq!(format_empty(&config, CLUSTER).unwrap().formatted.len(), 3);
    }

    #[test]
    fn what_is_somebody_elses_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let own = config(root.path(), "");
        fs::create_dir_all(root.path().join("c/topic-0")).unwrap();
        check_refused(&own, CLUSTER, "holds 'topic-0' and is no data directory");
        // No lock file either.
        assert_eq!(fs::read_dir(root.path().join("c")).unwrap().count(), 1);
        assert!(!root.path().join("b").exists());
        fs::remove_dir(root.path().join("c/topic-0")).unwrap();

        format_empty(&own, CLUSTER).unwrap();
        let other = "BAAAAAAAAAAAAAAAAAAAAQ";
        check_refused(&own, other, &format!("belongs to cluster {CLUSTER}, and not to {other}"));
        let error = check_cluster(&own, other).unwrap_err().to_string();
        assert!(error.contains("belongs to cluster"), "{error}");
        let renumbered = config(root.path(), "node.id=2\ncontroller.quorum.voters=2@localhost:0");
        check_refused(&renumbered, CLUSTER, "belongs to node 1, and node.id is 2");
        check_refused(&own, "no such id", "cluster");

        fs::remove_dir_all(root.path().join("b")).unwrap();
        check_refused(&own, CLUSTER, "the metadata that its logs belong to is missing");
    }

    #[test]
    fn foreign_directories_are_recognised() {
        let dir = tempfile::tempdir().unwrap();
        let check = |expect: Option<&str>| {
            assert_eq!(foreign_entry(dir.path()).unwrap().as_deref(), expect);
        };
        check(None);
        for own in [".lock", "bootstrap.checkpoint", "meta.properties.tmp"] {
            fs::write(dir.path().join(own), "").unwrap();
        }
        check(None);
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        check(Some("thesis.tex"));
        assert_eq!(foreign_entry(&dir.path().join("missing")).unwrap(), None);
    }
}
