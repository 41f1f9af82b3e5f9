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

/// Reports when the thread that holds it panics: the rooms that it carried are gone, and a node without them would
/// keep clients waiting instead of letting them find another.
#[derive(Debug)]
pub(crate) struct PanicWatch {
    failure: FailureSender,
    thread: &'static str,
}

impl PanicWatch {
    /// Watches the thread of this name, from its beginning to its end.
    pub(crate) fn new(failure: FailureSender, thread: &'static str) -> Self {
        Self { failure, thread }
    }
}

impl Drop for PanicWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failure.report(format!("the thread '{}' panicked", self.thread));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_panics_is_reported() {
        let (sender, mut receiver) = channel();
        let watch = PanicWatch::new(sender.clone(), "good");
        std::thread::spawn(move || drop(watch)).join().unwrap();
        let watch = PanicWatch::new(sender, "bad");
        let thread = std::thread::spawn(move || {
            let _watch = watch;
            panic!("as asked");
        });
        thread.join().unwrap_err();
        assert_eq!(receiver.failed().await, "the thread 'bad' panicked");
    }
}
