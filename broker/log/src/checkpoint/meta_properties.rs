//! `meta.properties`: which cluster, node and directory a log dir belongs to.

use taffrail_model::{NodeId, Uuid};

/// The only version that KRaft writes.
const VERSION: &str = "1";

/// The identity of a log dir.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster's id, as Kafka's `storage random-uuid` makes them; any text is allowed.
    pub cluster_id: String,
    /// The node that formatted the directory.
    pub node_id: NodeId,
    /// The directory's own id; missing where an older Kafka formatted it.
    pub directory_id: Option<Uuid>,
}

impl MetaProperties {
    /// The file, in the form that Kafka's property reader takes.
    #[must_use]
    pub fn to_text(&self) -> String {
        let directory_id =
            self.directory_id.map(|id| format!("directory.id={id}\n")).unwrap_or_default();
        format!(
            "#\nnode.id={}\n{directory_id}version={VERSION}\ncluster.id={}\n",
            self.node_id, self.cluster_id
        )
    }

    /// Reads the file.
    ///
    /// # Errors
    /// What is missing or malformed, in words.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let value = |key: &str| {
            text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!'])).find_map(
                |line| {
                    let (name, value) = line.split_once(['=', ':'])?;
                    (name.trim() == key).then(|| value.trim())
                },
            )
        };
        let required = |key: &str| value(key).ok_or_else(|| format!("{key} is missing"));
        let version = required("version")?;
        if version != VERSION {
            return Err(format!("version {version:?}, expected {VERSION}"));
        }
        let node_id = required("node.id")?;
        let node_id = node_id.parse().map_err(|_| format!("malformed node.id {node_id:?}"))?;
        let directory_id = match value("directory.id") {
            None => None,
            Some(id) => Some(id.parse().map_err(|_| format!("malformed directory.id {id:?}"))?),
        };
        Ok(Self { cluster_id: required("cluster.id")?.to_owned(), node_id, directory_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_go_both_ways() {
        for directory_id in [None, Some(Uuid::from_bytes([5; 16]))] {
            let cluster_id = "MkU3OEVBNTcwNTJENDM2Qg".to_owned();
            let meta = MetaProperties { cluster_id, node_id: 3, directory_id };
            assert_eq!(MetaProperties::from_text(&meta.to_text()), Ok(meta));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let check = |text: &str, expect: &str| {
            assert_eq!(MetaProperties::from_text(text), Err(expect.to_owned()));
        };
        check("", "version is missing");
        check("version=0\n", "version \"0\", expected 1");
        check("version=1\nnode.id=x\n", "malformed node.id \"x\"");
        check("#cluster.id=a\nversion=1\nnode.id=1\n", "cluster.id is missing");
    }
}
