//! Brokers of a document, with their racks, machines and log directories.

use std::collections::{BTreeMap, BTreeSet};

use super::amounts::Amounts;
use super::problem::{Place, Problems, quoted};
use crate::document::{self, LogDirState};
use crate::model::{Broker, Host, LogDir};

/// What the brokers of a document become.
pub(super) struct Brokers {
    pub(super) racks: Vec<String>,
    pub(super) hosts: Vec<Host>,
    /// By id, ascending.
    pub(super) brokers: Vec<Broker>,
    /// Broker by broker, by path.
    pub(super) log_dirs: Vec<LogDir>,
}

impl Brokers {
    /// Checks brokers and takes them over.
    pub(super) fn read(
        brokers: Vec<document::Broker>,
        amounts: &Amounts,
        problems: &mut Problems,
    ) -> Self {
        if brokers.is_empty() {
            problems.add(Place::Cluster, "brokers", || {
                "there are none: a cluster has at least one".to_owned()
            });
        }
        let names = Names::read(&brokers, problems);
        let mut numbered: Vec<(usize, document::Broker)> =
            brokers.into_iter().enumerate().collect();
        numbered.sort_by_key(|(index, broker)| (broker.id, *index));
        let mut read = Self {
            racks: names.racks,
            hosts: names.hosts,
            brokers: Vec::with_capacity(numbered.len()),
            log_dirs: Vec::with_capacity(amounts.log_dirs),
        };
        for (index, broker) in numbered {
            let place = Place::Broker(index, broker.id);
            if broker.id < 0 {
                problems.add(place, "id", || "ids are 0 or more".to_owned());
            }
            if read.index(broker.id).is_some() {
                problems.add(place, "id", || {
                    "an earlier broker has this id: give each its own".to_owned()
                });
                continue;
            }
            let (rack, host) = names.of[index];
            let first_log_dir = read.log_dirs.len() as u32;
            read.add_log_dirs(index, &broker, amounts, problems);
            read.brokers.push(Broker {
                id: broker.id,
                rack,
                host,
                state: broker.state,
                capacity: amounts.capacity(&broker.capacity),
                first_log_dir,
                log_dirs: read.log_dirs.len() as u32 - first_log_dir,
            });
        }
        read
    }

    /// Adds the directories of the broker that comes next.
    fn add_log_dirs(
        &mut self,
        index: usize,
        broker: &document::Broker,
        amounts: &Amounts,
        problems: &mut Problems,
    ) {
        let own = self.brokers.len() as u32;
        if broker.log_dirs.is_empty() {
            let capacity = amounts.disk(broker.capacity.disk);
            self.log_dirs.push(LogDir { broker: own, path: String::new(), capacity, online: true });
            return;
        }
        let mut numbered: Vec<(usize, &document::LogDir)> =
            broker.log_dirs.iter().enumerate().collect();
        numbered.sort_by_key(|(dir_index, dir)| (dir.path.as_str(), *dir_index));
        let mut last: Option<&str> = None;
        for (dir_index, dir) in numbered {
            let place = Place::LogDir(index, broker.id, dir_index);
            if dir.path.is_empty() {
                problems.add(place, "path", || "it is empty: give the directory's path".to_owned());
            }
            if last == Some(&dir.path) {
                problems.add(place, "path", || {
                    format!("the broker has {} already: give each its own", quoted(&dir.path))
                });
            }
            last = Some(&dir.path);
            self.log_dirs.push(LogDir {
                broker: own,
                path: dir.path.clone(),
                capacity: amounts.disk(dir.capacity),
                online: dir.state == LogDirState::Online,
            });
        }
    }

    /// The index of the broker with this id.
    pub(super) fn index(&self, id: i32) -> Option<u32> {
        self.brokers.binary_search_by_key(&id, |broker| broker.id).ok().map(|index| index as u32)
    }

    /// The directories of a broker, and the index of the first.
    pub(super) fn log_dirs_of(&self, broker: u32) -> (u32, &[LogDir]) {
        let first = self.brokers[broker as usize].first_log_dir;
        let end = first + self.brokers[broker as usize].log_dirs;
        (first, &self.log_dirs[first as usize..end as usize])
    }
}

/// Racks and machines, and where each broker of the document is.
struct Names {
    racks: Vec<String>,
    hosts: Vec<Host>,
    /// By the document's index: rack and machine.
    of: Vec<(u32, u32)>,
}

impl Names {
    fn read(brokers: &[document::Broker], problems: &mut Problems) -> Self {
        let given_racks: BTreeSet<&str> =
            brokers.iter().filter_map(|broker| broker.rack.as_deref()).collect();
        let given_hosts: BTreeSet<&str> =
            brokers.iter().filter_map(|broker| broker.host.as_deref()).collect();
        let named: Vec<(String, String)> = brokers
            .iter()
            .map(|broker| {
                let own = || format!("(broker {})", broker.id);
                // Brokers on one machine fall with it, whether or not anybody named its rack.
                let rack = broker.rack.clone().unwrap_or_else(|| {
                    let own =
                        broker.host.as_ref().map_or_else(own, |host| format!("(host {host})"));
                    unlike(own, &given_racks)
                });
                (rack, broker.host.clone().unwrap_or_else(|| unlike(own(), &given_hosts)))
            })
            .collect();
        let racks = numbered(named.iter().map(|(rack, _)| rack.as_str()));
        let hosts = numbered(named.iter().map(|(_, host)| host.as_str()));
        let of: Vec<(u32, u32)> =
            named.iter().map(|(rack, host)| (racks[rack.as_str()], hosts[host.as_str()])).collect();
        check(brokers, &of, problems);
        let mut rack_of_host: BTreeMap<u32, u32> = BTreeMap::new();
        for (rack, host) in &of {
            rack_of_host.entry(*host).or_insert(*rack);
        }
        Self {
            hosts: hosts
                .iter()
                .map(|(name, index)| Host { name: (*name).to_owned(), rack: rack_of_host[index] })
                .collect(),
            racks: racks.keys().map(|name| (*name).to_owned()).collect(),
            of,
        }
    }
}

/// Reports names that say nothing, and machines that are in two places.
fn check(brokers: &[document::Broker], of: &[(u32, u32)], problems: &mut Problems) {
    let mut first_of_host: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, (broker, (rack, host))) in brokers.iter().zip(of).enumerate() {
        let place = Place::Broker(index, broker.id);
        for (field, name) in [("rack", &broker.rack), ("host", &broker.host)] {
            if name.as_deref() == Some("") {
                problems.add(place, field, || {
                    "it is empty: give a name, or leave the field out".to_owned()
                });
            }
        }
        let first = *first_of_host.entry(*host).or_insert(index);
        if broker.host.is_some() && of[first].0 != *rack {
            let rack_of = |broker: &document::Broker| {
                broker
                    .rack
                    .as_deref()
                    .map_or_else(|| "no rack".to_owned(), |rack| format!("rack {}", quoted(rack)))
            };
            problems.add(place, "host", || {
                format!(
                    "{} is in {} by broker {} and in {} here: a machine is in one rack",
                    quoted(broker.host.as_deref().unwrap_or_default()),
                    rack_of(&brokers[first]),
                    brokers[first].id,
                    rack_of(broker),
                )
            });
        }
    }
}

/// A name that nobody gave.
fn unlike(mut name: String, given: &BTreeSet<&str>) -> String {
    while given.contains(name.as_str()) {
        name = format!("({name})");
    }
    name
}

/// Names in order, with their indices.
fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u32> {
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().zip(0..).collect()
}
