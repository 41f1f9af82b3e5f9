//! How far the node is on its way from start to stop.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// What the node is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Loading logs and metadata; nobody is served yet.
    Starting,
    /// Serving.
    Ready,
    /// Letting requests end.
    Stopping,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Starting, Self::Ready, Self::Stopping];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
        })
    }
}

/// The node's phase, set by those who run it and read over HTTP.
#[derive(Debug)]
pub(crate) struct Health(AtomicU8);

impl Health {
    /// A node that starts.
    pub(crate) fn starting() -> Self {
        Self(AtomicU8::new(Phase::Starting as u8))
    }

    /// The node reached a phase.
    pub(crate) fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Release);
    }

    /// The phase that the node is in.
    pub(crate) fn phase(&self) -> Phase {
        let phase = self.0.load(Ordering::Acquire);
        let known = Phase::ALL.into_iter().find(|p| *p as u8 == phase);
        known.unwrap_or(Phase::Stopping)
    }
}
