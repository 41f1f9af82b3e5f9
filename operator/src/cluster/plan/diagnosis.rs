//! How a node is, told from its pod and from what it says of itself.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};
use taffrail_crds::cluster::NodeState;

use crate::cluster::names;
use crate::cluster::observed::{NodeHealth, NodePhase, NodeReport};
use crate::cluster::pod_conditions::{condition, is_ready};

/// Starts in vain after which a container that runs again still counts as one that crashes.
const CRASHES_MAX: i32 = 3;
/// How much of a container's last words is shown.
const LAST_WORDS_MAX: usize = 600;

/// How a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diagnosis {
    pub(super) state: NodeState,
    /// Why it isn't ready; absent if it is, or is only on the way.
    pub(super) trouble: Option<Trouble>,
}

/// What keeps a node from being ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The reason of the condition.
    pub(super) reason: &'static str,
    /// What is wrong and, if somebody has to mend it, how.
    pub(super) message: String,
    /// Whether it passes by itself only if somebody does something.
    pub(super) needs_somebody: bool,
}

impl Diagnosis {
    fn of(state: NodeState) -> Self {
        Self { state, trouble: None }
    }

    fn waiting(state: NodeState, reason: &'static str, message: impl Into<String>) -> Self {
        let trouble = Trouble { reason, message: message.into(), needs_somebody: false };
        Self { state, trouble: Some(trouble) }
    }

    fn failed(reason: &'static str, message: String) -> Self {
        let trouble = Trouble { reason, message, needs_somebody: true };
        Self { state: NodeState::Failed, trouble: Some(trouble) }
    }
}

pub(super) fn diagnose(pod: Option<&Pod>, report: Option<&NodeReport>) -> Diagnosis {
    let Some(pod) = pod else {
        return Diagnosis::waiting(NodeState::Pending, "Starting", "its pod isn't there yet");
    };
    if pod.metadata.deletion_timestamp.is_some() {
        return Diagnosis::waiting(
            NodeState::NotReady,
            "Starting",
            "its pod stops, and another takes its place",
        );
    }
    if let Some(message) = unschedulable(pod) {
        let message = format!(
            "Kubernetes finds no node for its pod: {message}; add what is missing, or change resources, nodeSelector, \
             tolerations or storageClassName of the pool"
        );
        return Diagnosis::waiting(NodeState::Pending, "Unschedulable", message);
    }
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let container = statuses.and_then(|all| all.iter().find(|one| one.name == names::CONTAINER));
    let Some(container) = container else { return without_container(pod) };
    match container.state.as_ref() {
        Some(ContainerState { waiting: Some(waiting), .. }) => {
            let reason = waiting.reason.as_deref().unwrap_or_default();
            blocked_start(container, reason, waiting.message.as_deref().unwrap_or_default())
        }
        Some(ContainerState { terminated: Some(end), .. })
            if container.restart_count < CRASHES_MAX =>
        {
            let message =
                format!("its process ended with code {} and is started again", end.exit_code);
            Diagnosis::waiting(NodeState::NotReady, "Starting", message)
        }
        Some(ContainerState { terminated: Some(_), .. }) => crashed(container),
        Some(ContainerState { running: Some(_), .. }) => running(pod, container, report),
        _ => Diagnosis::of(NodeState::Pending),
    }
}

fn unschedulable(pod: &Pod) -> Option<&str> {
    let condition = condition(pod, "PodScheduled")?;
    let is_refused =
        condition.status == "False" && condition.reason.as_deref() == Some("Unschedulable");
    is_refused.then(|| condition.message.as_deref().unwrap_or("no reason given"))
}

fn without_container(pod: &Pod) -> Diagnosis {
    let status = pod.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_deref());
    if phase == Some("Failed") {
        let why = status.and_then(|status| status.message.as_deref().or(status.reason.as_deref()));
        let message = format!(
            "its pod was ended: {}; another takes its place",
            why.unwrap_or("no reason given")
        );
        return Diagnosis::waiting(NodeState::NotReady, "Starting", message);
    }
    Diagnosis::of(NodeState::Pending)
}

/// A container that Kubernetes can't start, or won't just now.
fn blocked_start(container: &ContainerStatus, reason: &str, message: &str) -> Diagnosis {
    match reason {
        "ImagePullBackOff"
        | "ErrImagePull"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "ImageInspectError"
        | "RegistryUnavailable" => Diagnosis::failed(
            "ImagePullFailed",
            format!(
                "the image {} can't be had ({reason}): {}; put spec.version or spec.image right, or give \
                 spec.image.pullSecrets",
                container.image,
                shortened(message)
            ),
        ),
        "CrashLoopBackOff" => crashed(container),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Diagnosis::failed(
                "CrashLooping",
                format!("its container can't be started ({reason}): {}", shortened(message)),
            )
        }
        _ if container.restart_count >= CRASHES_MAX => crashed(container),
        _ => Diagnosis::of(NodeState::Pending),
    }
}

/// A container that ended when it shouldn't have.
fn crashed(container: &ContainerStatus) -> Diagnosis {
    let ended = |state: Option<&ContainerState>| state.and_then(|state| state.terminated.clone());
    let Some(end) =
        ended(container.state.as_ref()).or_else(|| ended(container.last_state.as_ref()))
    else {
        return Diagnosis::failed(
            "CrashLooping",
            "its process ends again and again, without a word".to_owned(),
        );
    };
    if end.reason.as_deref() == Some("OOMKilled") {
        let message = "its process had more memory than the limit and was killed: raise resources.limits.memory of \
                       the pool";
        return Diagnosis::failed("OutOfMemory", message.to_owned());
    }
    let last_words = end.message.as_deref().map(str::trim).filter(|words| !words.is_empty());
    let message = format!(
        "its process ended with code {} after {} restarts: {}",
        end.exit_code,
        container.restart_count,
        shortened(last_words.unwrap_or("it said nothing; see kubectl logs --previous"))
    );
    Diagnosis::failed("CrashLooping", message)
}

fn running(pod: &Pod, container: &ContainerStatus, report: Option<&NodeReport>) -> Diagnosis {
    if is_ready(pod) {
        return Diagnosis::of(NodeState::Ready);
    }
    if let Some(NodeReport::Answered(health)) = report {
        if health.phase == NodePhase::Recovering {
            return Diagnosis::waiting(NodeState::Recovering, "Recovering", recovery(health));
        }
    } else if container.restart_count >= CRASHES_MAX && container.started != Some(true) {
        return crashed(container);
    }
    if container.started == Some(true) {
        return Diagnosis::waiting(NodeState::NotReady, "Starting", unready(report));
    }
    Diagnosis::of(NodeState::Starting)
}

fn recovery(health: &NodeHealth) -> String {
    match health.total_logs {
        Some(total) => {
            format!("it recovers its logs: {} of {total} are open", health.recovered_logs)
        }
        None => format!("it recovers its logs: {} are open", health.recovered_logs),
    }
}

fn unready(report: Option<&NodeReport>) -> String {
    match report {
        Some(NodeReport::Answered(health)) if health.fenced => {
            "it runs, and the controller has it fenced".to_owned()
        }
        Some(NodeReport::Answered(_)) => "it runs and doesn't serve yet".to_owned(),
        Some(NodeReport::Failed(error)) => {
            format!("it runs, isn't ready and can't be asked why: {error}")
        }
        None => "it runs and isn't ready".to_owned(),
    }
}

/// The end of what somebody said: the error stands there.
fn shortened(text: &str) -> String {
    let text = text.trim();
    let skipped = text.chars().count().saturating_sub(LAST_WORDS_MAX);
    if skipped == 0 {
        text.to_owned()
    } else {
        format!("… {}", text.chars().skip(skipped).collect::<String>())
    }
}
