//! Which process has a port, as far as `/proc` tells.

use std::fs;
use std::path::Path;

/// Linux' number for a socket that listens, in `/proc/net/tcp`.
const STATE_LISTEN: &str = "0A";

/// A process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortHolder {
    /// Its id.
    pub(super) pid: u32,
    /// Its program's name, cut to 15 letters by the kernel.
    pub(super) name: String,
}

/// Who listens on `port`, or `None` when nobody does or the process belongs to another user.
pub(super) fn find(port: u16) -> Option<PortHolder> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        has_socket(&entry.path(), &inodes).then(|| PortHolder {
            pid,
            name: fs::read_to_string(entry.path().join("comm"))
                .map(|name| name.trim_end().to_owned())
                .unwrap_or_default(),
        })
    })
}

/// The inodes of the sockets that listen on `port`, from a table such as `/proc/net/tcp`.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let inode = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let local = fields.nth(1)?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?;
        (local.ends_with(&suffix) && state == STATE_LISTEN).then(|| inode.to_owned())
    };
    table.lines().filter_map(inode).collect()
}

fn has_socket(process: &Path, inodes: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| {
        target
            .to_str()
            .and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'))
            .is_some_and(|inode| inodes.iter().any(|i| i == inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listening_sockets_count() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
   1: 0100007F:2384 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1
   2: 0100007F:2385 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1
";
        assert_eq!(listening_inodes(table, 9092), ["4711"]);
        assert_eq!(listening_inodes(table, 9093), ["4713"]);
        assert!(listening_inodes(table, 1).is_empty());
        assert!(listening_inodes("", 9092).is_empty());
    }

    #[test]
    fn this_process_is_found_by_its_own_port() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(find(port).map(|holder| holder.pid), Some(std::process::id()));
    }
}
