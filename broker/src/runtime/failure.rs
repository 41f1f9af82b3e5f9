//! How a thread says that the process can't go on.

use tokio::sync::mpsc;

/// Reports failures that nothing but a restart can mend. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct FailureSender {
    sender: mpsc::UnboundedSender<String>,
}

impl FailureSender {
    /// Says why. The first report ends the process; later ones are logged.
    pub(crate) fn report(&self, reason: String) {
        tracing::error!(reason, "this node has to stop");
        // Nobody listens once the process is on its way out, and nobody needs to.
        let _ = self.sender.send(reason);
    }
}

/// Hears the first failure.
#[derive(Debug)]
pub(crate) struct FailureReceiver {
    receiver: mpsc::UnboundedReceiver<String>,
}

impl FailureReceiver {
    /// Waits for a failure and says why the node has to stop.
    pub(crate) async fn failed(&mut self) -> String {
        match self.receiver.recv().await {
            Some(reason) => reason,
            // Every thread that could fail has ended in good order.
            None => std::future::pending().await,
        }
    }
}

/// A way to report failures, and the end that hears them.
pub(crate) fn channel() -> (FailureSender, FailureReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (FailureSender { sender }, FailureReceiver { receiver })
}
