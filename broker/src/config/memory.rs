//! What the process' memory is divided into.
//!
//! Architecture Invariant: the shares are fixed at start and add up to no more than the limit, so that a flood of requests
//! ends in waiting or in smaller replies, and not with the process killed. A limit that can't hold the smallest shares
//! is refused.

use bytesize::ByteSize;
use taffrail_metadata::config::{ConfigError, StaticConfig};

use super::error::invalid;
use super::machine::Machine;

const QUEUED_MAX: &str = "queued.max.request.bytes";
const REQUEST_MAX: &str = "socket.request.max.bytes";
const MESSAGE_MAX: &str = "message.max.bytes";

const MIB: u64 = 1 << 20;

/// The program, its threads' stacks, and metadata of a usual size.
const PROGRAM_BYTES: u64 = 16 * MIB;
/// The smallest share of anything that is chosen without being asked for.
const REQUEST_MAX_FLOOR_BYTES: u64 = 4 * MIB;
const REQUESTS_FLOOR_BYTES: u64 = 16 * MIB;
const CONTROL_FLOOR_BYTES: u64 = 4 * MIB;
const REPLIES_FLOOR_BYTES: u64 = 8 * MIB;
const GROUP_FLOOR_BYTES: u64 = 8 * MIB;
/// More than this would be no use to them.
const CONTROL_CEILING_BYTES: u64 = 16 * MIB;
const GROUP_CEILING_BYTES: u64 = 64 * MIB;
/// A request with one batch of the largest size has this much beside it, at most.
const REQUEST_OVERHEAD_BYTES: u64 = MIB;
/// Besides the budgets, one of the largest requests may be held for clients and one for controllers, and a reply may
/// hold one batch of that size.
const REQUESTS_BESIDE: u64 = 3;
/// Where the system says nothing of memory: enough for a small machine.
const UNKNOWN_MEMORY_BYTES: u64 = 2048 * MIB;

/// The shares of the process' memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryPlan {
    /// What there is to divide; `None` where the system doesn't say.
    pub(crate) limit_bytes: Option<u64>,
    /// `socket.request.max.bytes`: the largest request.
    pub(crate) request_max_bytes: u64,
    /// `queued.max.request.bytes`: requests of clients and brokers.
    pub(crate) requests_bytes: u64,
    /// Requests to controllers.
    pub(crate) control_bytes: u64,
    /// Records on their way to clients.
    pub(crate) replies_bytes: u64,
    /// What the members of one group may hold.
    pub(crate) group_bytes: u64,
}

/// The limit can't hold what the configuration needs.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "memory limit {} is below the {} that this configuration needs: {}; \
     raise the limit (resources.limits.memory of a pod), or lower {QUEUED_MAX} or {REQUEST_MAX}",
    size(*.limit_bytes), size(.plan.total_bytes()), .plan.parts()
)]
pub(crate) struct MemoryShortage {
    limit_bytes: u64,
    plan: MemoryPlan,
}

impl MemoryPlan {
    /// Divides the machine's memory, with the shares that the configuration names as it names them. `is_set` keys win
    /// over the machine; what doesn't fit is [`verify`](Self::verify)'s to say, since not every command needs it.
    pub(super) fn resolve(config: &StaticConfig, machine: &Machine) -> Result<Self, ConfigError> {
        let limit_bytes = machine.usable_memory_bytes();
        let given = |key: &str| {
            let number = u64::try_from(config.number(key)).ok().filter(|&bytes| bytes > 0);
            number.filter(|_| config.is_set(key))
        };
        let (request_max, requests) = (given(REQUEST_MAX), given(QUEUED_MAX));
        let message_max = u64::try_from(config.number(MESSAGE_MAX)).unwrap_or(0);
        let default_max = u64::try_from(config.number(REQUEST_MAX)).unwrap_or(0);
        let plan_of = |bytes: u64| {
            let request_max_bytes = request_max.unwrap_or_else(|| {
                let share = whole_mib(bytes / 16).max(REQUEST_MAX_FLOOR_BYTES);
                // Room for a single message, however large that is set; never more than Kafka's default.
                let largest = message_max.saturating_add(REQUEST_OVERHEAD_BYTES);
                share.max(largest).min(default_max)
            });
            Self {
                limit_bytes,
                request_max_bytes,
                requests_bytes: requests.unwrap_or_else(|| {
                    whole_mib(bytes / 4).max(REQUESTS_FLOOR_BYTES).max(request_max_bytes)
                }),
                control_bytes: whole_mib(bytes / 16)
                    .clamp(CONTROL_FLOOR_BYTES, CONTROL_CEILING_BYTES),
                replies_bytes: whole_mib(bytes / 8).max(REPLIES_FLOOR_BYTES),
                group_bytes: whole_mib(bytes / 8).clamp(GROUP_FLOOR_BYTES, GROUP_CEILING_BYTES),
            }
        };
        let bytes = limit_bytes.unwrap_or(UNKNOWN_MEMORY_BYTES);
        let mut plan = plan_of(bytes);
        if plan.total_bytes() > bytes {
            // What was asked for leaves less than the usual shares to the rest.
            plan = plan_of(0);
        }
        if plan.requests_bytes < plan.request_max_bytes {
            let largest = plan.request_max_bytes;
            let allowed = format!("Value must be at least {REQUEST_MAX} ({largest}), or -1");
            return Err(invalid(QUEUED_MAX, plan.requests_bytes.to_string(), allowed));
        }
        Ok(plan)
    }

    /// Whether all shares fit into the limit at once.
    ///
    /// # Errors
    /// What is needed for what.
    pub(crate) fn verify(&self) -> Result<(), MemoryShortage> {
        match self.limit_bytes.filter(|&limit| limit < self.total_bytes()) {
            Some(limit_bytes) => Err(MemoryShortage { limit_bytes, plan: self.clone() }),
            None => Ok(()),
        }
    }

    /// All shares, and the program.
    pub(crate) fn total_bytes(&self) -> u64 {
        let beside = self.request_max_bytes.saturating_mul(REQUESTS_BESIDE);
        [self.requests_bytes, self.control_bytes, self.replies_bytes, self.group_bytes, beside]
            .into_iter()
            .fold(PROGRAM_BYTES, u64::saturating_add)
    }

    fn parts(&self) -> String {
        format!(
            "{} for the program, {} for requests ({QUEUED_MAX}), {} for {REQUESTS_BESIDE} requests beside them \
             ({REQUEST_MAX} is {}), {} for requests to the controller, {} for replies, {} for a group's members",
            size(PROGRAM_BYTES),
            size(self.requests_bytes),
            size(self.request_max_bytes.saturating_mul(REQUESTS_BESIDE)),
            size(self.request_max_bytes),
            size(self.control_bytes),
            size(self.replies_bytes),
            size(self.group_bytes),
        )
    }
}

/// Figures that people read are whole.
fn whole_mib(bytes: u64) -> u64 {
    bytes / MIB * MIB
}

fn size(bytes: u64) -> impl std::fmt::Display {
    ByteSize(bytes).display().iec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(limit_mib: u64, pairs: &[(&str, &str)]) -> Result<MemoryPlan, String> {
        let texts = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = StaticConfig::new(texts.collect()).unwrap();
        let machine = Machine {
            memory_bytes: Some(1 << 40),
            memory_limit_bytes: Some(limit_mib * MIB),
            ..Machine::default()
        };
        MemoryPlan::resolve(&config, &machine).map_err(|error| error.to_string())
    }

    fn mib(plan: &MemoryPlan) -> [u64; 5] {
        let MemoryPlan { request_max_bytes, requests_bytes, control_bytes, .. } = plan;
        [request_max_bytes, requests_bytes, control_bytes, &plan.replies_bytes, &plan.group_bytes]
            .map(|bytes| bytes / MIB)
    }

    #[test]
    fn shares_follow_the_limit() {
        let check = |limit, expect: [u64; 5]| {
            let plan = resolve(limit, &[]).unwrap();
            assert_eq!(mib(&plan), expect, "{limit}");
            plan.verify().unwrap();
        };
        check(64, [4, 16, 4, 8, 8]);
        check(256, [16, 64, 16, 32, 32]);
        check(1024, [64, 256, 16, 128, 64]);
        check(2048, [100, 512, 16, 256, 64]);
        check(65536, [100, 16384, 16, 8192, 64]);
    }

    #[test]
    fn shares_fit_every_limit_that_is_accepted() {
        for limit in 64..4096 {
            let plan = resolve(limit, &[]).unwrap();
            assert!(plan.total_bytes() <= limit * MIB, "{limit}: {plan:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_given_and_the_rest_makes_room() {
        let plan = resolve(256, &[(QUEUED_MAX, "209715200")]).unwrap();
        assert_eq!(mib(&plan), [4, 200, 4, 8, 8]);
        plan.verify().unwrap();
        let plan = resolve(256, &[(REQUEST_MAX, "10485760"), (QUEUED_MAX, "-1")]).unwrap();
        assert_eq!(mib(&plan), [10, 64, 16, 32, 32]);
        // A message of this size has to arrive somehow.
        let plan = resolve(256, &[(MESSAGE_MAX, "20971520")]).unwrap();
        assert_eq!(mib(&plan), [21, 64, 16, 32, 32]);
        plan.verify().unwrap();
    }

    #[test]
    fn a_limit_that_is_too_small_is_refused_with_the_figures() {
        let check = |limit, pairs: &[(&str, &str)], parts: &[&str]| {
            let error = resolve(limit, pairs).unwrap().verify().unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{part} is not in: {error}");
            }
        };
        check(
            32,
            &[],
            &[
                "memory limit 32.0 MiB is below the 64.0 MiB that this configuration needs: 16.0 MiB for the program,",
                "resources.limits.memory",
            ],
        );
        check(63, &[], &["memory limit 63.0 MiB is below the 64.0 MiB"]);
        check(
            256,
            &[(REQUEST_MAX, "104857600")],
            &[
                "below the 436.0 MiB",
                "300.0 MiB for 3 requests",
                "socket.request.max.bytes is 100.0 MiB",
            ],
        );
        check(256, &[(QUEUED_MAX, "9223372036854775807")], &["memory limit 256.0 MiB is below"]);
    }

    #[test]
    fn memory_holds_at_least_one_request() {
        let error = resolve(1024, &[(REQUEST_MAX, "1000"), (QUEUED_MAX, "999")]).unwrap_err();
        assert_eq!(
            error,
            "Invalid value 999 for configuration queued.max.request.bytes: Value must be at least \
             socket.request.max.bytes (1000), or -1"
        );
        assert!(resolve(1024, &[(REQUEST_MAX, "1000"), (QUEUED_MAX, "1000")]).is_ok());
    }

    #[test]
    fn a_machine_that_says_nothing_is_taken_for_a_small_one() {
        let config = StaticConfig::new(std::collections::BTreeMap::new()).unwrap();
        let plan = MemoryPlan::resolve(&config, &Machine::default()).unwrap();
        assert_eq!(mib(&plan), [100, 512, 16, 256, 64]);
        plan.verify().unwrap();
    }
}
