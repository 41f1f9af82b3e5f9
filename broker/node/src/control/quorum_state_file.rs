//! The `quorum-state` file: one line of JSON, as Kafka's `FileQuorumStateStore` writes and reads it.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use taffrail_log::Disk;
use taffrail_model::{LeaderEpoch, NO_NODE, NodeId, Uuid};
use taffrail_protocol::records::QuorumStateData;
use taffrail_quorum::{ElectionState, QuorumError};

/// The file's name in the metadata log's directory.
pub const QUORUM_STATE_FILE: &str = "quorum-state";

/// No election state takes more; version 0 lists the voters.
const LIMIT_BYTES: u64 = 64 * 1024;

/// Why the file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum QuorumStateFileError {
    /// The disk failed.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The file isn't JSON with the fields of an election state.
    #[error("{} is not an election state: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A later version than this one knows.
    #[error("{} has data_version {version}, and only 0 and 1 are known", path.display())]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// The version.
        version: i64,
    },
    /// Numbers that no node writes.
    #[error("{} is corrupt", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Which.
        source: QuorumError,
    },
}

/// The fields of both versions; those that only version 0 has (`clusterId`, `appliedOffset`,
/// `currentVoters`) say nothing about an election.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    leader_id: NodeId,
    leader_epoch: LeaderEpoch,
    #[serde(default = "no_node")]
    voted_id: NodeId,
    voted_directory_id: Option<String>,
    #[serde(rename = "data_version")]
    data_version: i64,
}

fn no_node() -> NodeId {
    NO_NODE
}

/// Reads the election state of a metadata log's directory; `None` when there never was one.
///
/// # Errors
/// [`QuorumStateFileError`]: a file that can't be read is not the same as none, since a forgotten vote
/// could elect a second leader.
pub fn read_quorum_state<D: Disk>(
    disk: &D,
    directory: &Path,
) -> Result<Option<ElectionState>, QuorumStateFileError> {
    let path = directory.join(QUORUM_STATE_FILE);
    match disk.read(&path, LIMIT_BYTES) {
        Ok(content) => parse(&path, &content).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(QuorumStateFileError::Io { path, source }),
    }
}

/// Replaces the election state of a metadata log's directory; it is durable on return.
///
/// # Errors
/// What the disk said; the file then holds the old state or the new.
pub fn write_quorum_state<D: Disk>(
    disk: &D,
    directory: &Path,
    state: ElectionState,
) -> io::Result<()> {
    disk.write_atomically(&directory.join(QUORUM_STATE_FILE), render(&state.to_data()).as_bytes())
}

fn render(data: &QuorumStateData) -> String {
    // Numbers and an id: nothing in here has to be escaped.
    format!(
        r#"{{"leaderId":{},"leaderEpoch":{},"votedId":{},"votedDirectoryId":"{}","data_version":1}}"#,
        data.leader_id, data.leader_epoch, data.voted_id, data.voted_directory_id
    )
}

fn parse(path: &Path, content: &[u8]) -> Result<ElectionState, QuorumStateFileError> {
    let malformed =
        |reason: String| QuorumStateFileError::Malformed { path: path.to_owned(), reason };
    // An object, as Kafka demands: a struct alone would be read from an array as well.
    let fields: Fields = serde_json::from_slice(content)
        .and_then(|object| serde_json::from_value(Value::Object(object)))
        .map_err(|error| malformed(error.to_string()))?;
    let voted_directory_id = match (fields.data_version, fields.voted_directory_id) {
        (0, _) => Uuid::ZERO,
        (1, Some(text)) => {
            text.parse().map_err(|error| malformed(format!("votedDirectoryId: {error}")))?
        }
        (1, None) => return Err(malformed("votedDirectoryId is missing".to_owned())),
        (version, _) => {
            return Err(QuorumStateFileError::UnknownVersion { path: path.to_owned(), version });
        }
    };
    ElectionState::from_data(&QuorumStateData {
        leader_id: fields.leader_id,
        leader_epoch: fields.leader_epoch,
        voted_id: fields.voted_id,
        voted_directory_id,
        ..QuorumStateData::default()
    })
    .map_err(|source| QuorumStateFileError::Corrupt { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use taffrail_quorum::VoterKey;

    use super::*;

    fn read(content: &str) -> Result<ElectionState, String> {
        parse(Path::new("quorum-state"), content.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_text_is_kafkas() {
        let voted = VoterKey { id: 1, directory_id: Uuid::from_bytes([0; 16]) };
        let state = ElectionState::voted(7, voted);
        let text = render(&state.to_data());
        assert_eq!(
            text,
            r#"{"leaderId":-1,"leaderEpoch":7,"votedId":1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#
        );
        assert_eq!(read(&text), Ok(state));
        let text = render(&ElectionState::elected(8, 1).to_data());
        assert_eq!(read(&text), Ok(ElectionState::elected(8, 1)));
    }

    #[test]
    fn version_0_is_read() {
        let text = r#"{"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":-1,"appliedOffset":0,"currentVoters":[],"data_version":0}"#;
        assert_eq!(read(text), Ok(ElectionState::elected(2, 1)));
    }

    #[test]
    fn anything_else_is_an_error_that_says_what() {
        let check = |content: &str, expected: &str| {
            let error = read(content).expect_err(content);
            assert!(error.contains(expected), "{content}: {error}");
        };
        check("", "EOF");
        check("[]", "invalid type");
        check(r#"{"leaderId":1}"#, "leaderEpoch");
        check(r#"{"leaderId":1,"leaderEpoch":2,"votedId":-1}"#, "data_version");
        check(r#"{"leaderId":1,"leaderEpoch":2,"votedId":-1,"data_version":2}"#, "data_version 2");
        check(
            r#"{"leaderId":1,"leaderEpoch":2,"votedId":-1,"data_version":1}"#,
            "votedDirectoryId",
        );
        check(
            r#"{"leaderId":1,"leaderEpoch":2,"votedId":-1,"votedDirectoryId":"x","data_version":1}"#,
            "votedDirectoryId",
        );
        check(
            r#"{"leaderId":1,"leaderEpoch":99999999999,"votedId":-1,"data_version":0}"#,
            "99999999999",
        );
        check(r#"{"leaderId":-3,"leaderEpoch":1,"votedId":-1,"data_version":0}"#, "corrupt");
    }
}
