//! What the process may use: memory and processors, of the machine or of the control group that it runs in.
//!
//! Reading files is apart from judging them: [`Limits::of`] takes the contents of files through a function, so that
//! tests hand it tables. A file that isn't there, or says something that isn't understood, limits nothing.

use std::path::{Component, Path, PathBuf};

/// What is readable by name only under `/proc`.
const OWN_GROUPS: &str = "/proc/self/cgroup";
const MOUNTS: &str = "/proc/self/mountinfo";
const MEMORY: &str = "/proc/meminfo";

/// Version 1 says "no limit" with the largest number of whole pages; nobody means as much.
const UNLIMITED_BYTES: u64 = 1 << 62;

/// What the process may use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Machine {
    /// The machine's memory; `None` where the system doesn't say.
    pub(crate) memory_bytes: Option<u64>,
    /// The control group's limit.
    pub(crate) memory_limit_bytes: Option<u64>,
    /// The control group's quota, in processors.
    pub(crate) cpu_limit_cores: Option<f64>,
    /// Processors that threads may run on at once, the quota included.
    pub(crate) parallelism: usize,
}

impl Machine {
    /// This machine, and this process' control group.
    pub(crate) fn detect() -> Self {
        let read = |path: &Path| std::fs::read_to_string(path).ok();
        let limits = Limits::of(&read);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            memory_bytes: read(Path::new(MEMORY)).and_then(|text| total_memory_bytes(&text)),
            memory_limit_bytes: limits.memory_bytes,
            cpu_limit_cores: limits.cpu_cores,
            parallelism: parallelism(cores, limits.cpu_cores),
        }
    }

    /// The memory that the process can count on.
    pub(crate) fn usable_memory_bytes(&self) -> Option<u64> {
        self.memory_bytes.into_iter().chain(self.memory_limit_bytes).min()
    }
}

/// A quota of 1.5 processors is worth two threads; less than one is worth one.
fn parallelism(cores: usize, quota: Option<f64>) -> usize {
    let fits = |threads: &usize| {
        let below = u32::try_from(threads - 1).map_or(f64::MAX, f64::from);
        quota.is_none_or(|quota| below < quota)
    };
    (1..=cores).take_while(fits).last().unwrap_or(1)
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total_memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

/// What control groups allow. The tightest limit of a group and those above it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Limits {
    memory_bytes: Option<u64>,
    cpu_cores: Option<f64>,
}

impl Limits {
    /// The limits of this process' groups, of both versions: a machine may use one for memory and the other for the
    /// rest.
    fn of(read: &impl Fn(&Path) -> Option<String>) -> Self {
        let groups = read(Path::new(OWN_GROUPS)).unwrap_or_default();
        let mounts = read(Path::new(MOUNTS)).unwrap_or_default();
        let mut limits = Self::default();
        for group in groups.lines().filter_map(Group::parse) {
            for directory in group.directories(&mounts) {
                let read = |file: &str| read(&directory.join(file));
                if group.controls("memory") {
                    limits.limit_memory(group.memory_bytes(&read));
                }
                if group.controls("cpu") {
                    limits.limit_cpu(group.cpu_cores(&read));
                }
            }
        }
        limits
    }

    fn limit_memory(&mut self, bytes: Option<u64>) {
        self.memory_bytes = self.memory_bytes.into_iter().chain(bytes).min();
    }

    fn limit_cpu(&mut self, cores: Option<f64>) {
        self.cpu_cores = self.cpu_cores.into_iter().chain(cores).reduce(f64::min);
    }
}

/// A line of `/proc/self/cgroup`, such as `0::/a` (version 2) or `4:cpu,cpuacct:/a`.
#[derive(Debug)]
struct Group<'a> {
    /// Empty in version 2, whose groups have all controllers.
    controllers: &'a str,
    path: &'a Path,
}

impl<'a> Group<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(3, ':').skip(1);
        Some(Self { controllers: fields.next()?, path: Path::new(fields.next()?) })
    }

    fn is_version_2(&self) -> bool {
        self.controllers.is_empty()
    }

    fn controls(&self, controller: &str) -> bool {
        self.is_version_2() || self.controllers.split(',').any(|name| name == controller)
    }

    /// The group's directory and those above it, as far as they are mounted here.
    fn directories(&self, mounts: &str) -> Vec<PathBuf> {
        let of_hierarchy = || mounts.lines().filter_map(Mount::parse).filter(|m| self.is_in(m));
        // There may be mounts of other groups, or of the machine's whole tree, beside the one that has this group.
        let shows_it = |mount: &Mount<'_>| self.path.starts_with(&mount.root);
        let Some(mount) = of_hierarchy().find(shows_it).or_else(|| of_hierarchy().next()) else {
            return Vec::new();
        };
        // A container sees its own group as the root of the mount, whatever its path outside.
        let below = self.path.strip_prefix(&mount.root).unwrap_or(Path::new(""));
        let is_plain = |part: &Component<'_>| matches!(part, Component::Normal(_));
        let below: PathBuf = below.components().take_while(is_plain).collect();
        below.ancestors().map(|below| mount.point.join(below)).collect()
    }

    fn is_in(&self, mount: &Mount<'_>) -> bool {
        if self.is_version_2() {
            return mount.file_system == "cgroup2";
        }
        let options = || mount.options.split(',');
        mount.file_system == "cgroup"
            && self.controllers.split(',').any(|name| options().any(|option| option == name))
    }

    fn memory_bytes(&self, read: &impl Fn(&str) -> Option<String>) -> Option<u64> {
        let file = if self.is_version_2() { "memory.max" } else { "memory.limit_in_bytes" };
        // "max" is no number.
        read(file)?.trim().parse().ok().filter(|&bytes| bytes < UNLIMITED_BYTES)
    }

    fn cpu_cores(&self, read: &impl Fn(&str) -> Option<String>) -> Option<f64> {
        let (quota, period) = if self.is_version_2() {
            let text = read("cpu.max")?;
            let mut fields = text.split_ascii_whitespace();
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?)
        } else {
            let number = |file| read(file)?.trim().parse::<i32>().ok();
            (number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
        };
        // A quota of -1 is none.
        (quota > 0 && period > 0).then(|| f64::from(quota) / f64::from(period))
    }
}

/// A line of `/proc/self/mountinfo`.
#[derive(Debug)]
struct Mount<'a> {
    /// What of the file system is mounted.
    root: PathBuf,
    /// Where.
    point: PathBuf,
    file_system: &'a str,
    /// Of the file system, such as the controllers of version 1.
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // Optional fields stand between the two parts.
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (unescape(fields.next()?), unescape(fields.next()?));
        let mut fields = file_system.split(' ');
        Some(Self { root, point, file_system: fields.next()?, options: fields.nth(1)? })
    }
}

/// The kernel writes blanks and backslashes in paths as octal numbers; systemd's names of groups are full of the latter.
fn unescape(path: &str) -> PathBuf {
    path.replace("\\040", " ").replace("\\134", "\\").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const V2: &str =
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1: &str = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    fn check(
        groups: &str,
        mounts: &str,
        files: &[(&str, &str)],
        expect: (Option<u64>, Option<f64>),
    ) {
        let own = [(OWN_GROUPS, groups), (MOUNTS, mounts)];
        let read = |path: &Path| {
            let mut all = own.iter().chain(files);
            all.find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned())
        };
        let limits = Limits::of(&read);
        assert_eq!((limits.memory_bytes, limits.cpu_cores), expect, "{groups}{files:?}");
    }

    #[test]
    fn version_2() {
        let memory = "/sys/fs/cgroup/memory.max";
        let cpu = "/sys/fs/cgroup/cpu.max";
        // In a container with a namespace of its own.
        check(
            "0::/\n",
            V2,
            &[(memory, "268435456\n"), (cpu, "150000 100000\n")],
            (Some(256 * MIB), Some(1.5)),
        );
        check("0::/\n", V2, &[(memory, "max\n"), (cpu, "max 100000\n")], (None, None));
        check("0::/\n", V2, &[], (None, None));
        check("0::/\n", "", &[(memory, "1")], (None, None));
        check("", V2, &[(memory, "1")], (None, None));
        check("0::/\n", V2, &[(memory, "lots"), (cpu, "0 0")], (None, None));
        // A path that leads out of the namespace.
        check("0::/../other\n", V2, &[(memory, "7")], (Some(7), None));
    }

    #[test]
    fn the_tightest_of_the_groups_above_holds() {
        let files = [
            ("/sys/fs/cgroup/a/memory.max", "500"),
            ("/sys/fs/cgroup/a/b/memory.max", "max"),
            ("/sys/fs/cgroup/a/b/c/memory.max", "900"),
            ("/sys/fs/cgroup/a/b/c/cpu.max", "200000 100000"),
            ("/sys/fs/cgroup/a/cpu.max", "50000 100000"),
            ("/sys/fs/cgroup/other/memory.max", "1"),
        ];
        check("0::/a/b/c\n", V2, &files, (Some(500), Some(0.5)));
    }

    #[test]
    fn version_1() {
        let groups = "5:memory:/pod/x\n4:cpu,cpuacct:/pod/x\n0::/\n";
        let files = [
            ("/sys/fs/cgroup/memory/pod/x/memory.limit_in_bytes", "268435456\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/pod/x/cpu.cfs_quota_us", "200000\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/pod/x/cpu.cfs_period_us", "100000\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ];
        check(groups, V1, &files, (Some(256 * MIB), Some(2.0)));
        // In a container: the group's path is the host's, and the mount shows the group alone.
        let mounts = "35 31 0:32 /pod/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let files = [("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000")];
        check(groups, mounts, &files, (Some(1000), None));
        // A container whose group was made below the one that is mounted.
        check("5:memory:/elsewhere\n", mounts, &files, (Some(1000), None));
    }

    #[test]
    fn the_mount_that_has_the_group_counts() {
        // The machine's tree, mounted into a container with a namespace of its own, and another group's.
        let mounts = "30 23 0:26 /../.. /host/cgroup ro - cgroup2 cgroup2 rw
31 23 0:26 /other /other ro - cgroup2 cgroup2 rw
32 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
        let files = [
            ("/host/cgroup/memory.max", "1"),
            ("/other/memory.max", "2"),
            ("/sys/fs/cgroup/memory.max", "300"),
            ("/sys/fs/cgroup/a/memory.max", "max"),
        ];
        check("0::/\n", mounts, &files, (Some(300), None));
        check("0::/a\n", mounts, &files, (Some(300), None));
        let mounts = "32 23 0:26 /a\\134x2db /cg ro - cgroup2 cgroup2 rw\n";
        check("0::/a\\x2db/c\n", mounts, &[("/cg/c/memory.max", "5")], (Some(5), None));
    }

    #[test]
    fn lines_that_are_none_limit_nothing() {
        check("nonsense\n:\n::\n", "a - b\n - cgroup2\n\n", &[], (None, None));
    }

    #[test]
    fn threads_follow_the_quota() {
        for (cores, quota, expect) in [
            (8, None, 8),
            (8, Some(0.1), 1),
            (8, Some(1.0), 1),
            (8, Some(1.5), 2),
            (8, Some(2.0), 2),
            (2, Some(16.0), 2),
            (0, None, 1),
        ] {
            assert_eq!(parallelism(cores, quota), expect, "{cores} {quota:?}");
        }
    }

    #[test]
    fn the_machine_has_memory() {
        assert_eq!(total_memory_bytes("MemFree: 1 kB\nMemTotal:   2048 kB\n"), Some(2 * MIB));
        assert_eq!(total_memory_bytes("MemTotal: many kB"), None);
        let machine =
            Machine { memory_bytes: Some(5), memory_limit_bytes: Some(3), ..Machine::default() };
        assert_eq!(machine.usable_memory_bytes(), Some(3));
        assert_eq!(Machine::default().usable_memory_bytes(), None);
        assert!(Machine::detect().parallelism >= 1);
    }
}
