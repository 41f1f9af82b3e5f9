//! Schedules by hand, and a queue that runs.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("a", name)
}

#[test]
fn a_key_is_in_once_and_at_its_earliest_time() {
    let mut schedule = Schedule::default();
    schedule.add(key("x"), seconds(5));
    schedule.add(key("x"), seconds(2));
    schedule.add(key("x"), seconds(9));
    assert_eq!(schedule.len(), 1);
    assert_eq!(schedule.start(seconds(1)), None);
    assert_eq!(schedule.start(seconds(2)), Some(key("x")));
    assert_eq!(schedule.start(seconds(100)), None);
    schedule.succeeded(&key("x"), None);
    assert!(schedule.is_empty());
}

#[test]
fn what_comes_in_meanwhile_is_done_afterwards() {
    let mut schedule = Schedule::default();
    schedule.add(key("x"), seconds(0));
    assert_eq!(schedule.start(seconds(0)), Some(key("x")));
    schedule.add(key("x"), seconds(1));
    assert_eq!(schedule.start(seconds(2)), None, "it is being worked on");
    schedule.succeeded(&key("x"), Some(seconds(60)));
    assert_eq!(schedule.start(seconds(2)), Some(key("x")));
    schedule.succeeded(&key("x"), Some(seconds(60)));
    assert_eq!(schedule.next_due(), Some(seconds(60)));
}

#[test]
fn keys_start_in_the_order_of_their_times() {
    let mut schedule = Schedule::default();
    for (name, at) in [("b", 2), ("a", 3), ("c", 1)] {
        schedule.add(key(name), seconds(at));
    }
    let order: Vec<_> =
        std::iter::from_fn(|| schedule.start(seconds(9))).map(|key| key.name).collect();
    assert_eq!(order, ["c", "b", "a"]);
}

#[test]
fn failures_wait_longer_each_time_up_to_a_bound() {
    let mut schedule = Schedule::default();
    let mut now = seconds(0);
    let mut waits = Vec::new();
    schedule.add(key("x"), now);
    for _ in 0..12 {
        assert_eq!(schedule.start(now), Some(key("x")));
        schedule.failed(&key("x"), now, 0.0);
        let due = schedule.next_due().expect("it is tried again");
        waits.push((due - now).as_secs());
        now = due;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
    assert_eq!(schedule.start(now), Some(key("x")));
    schedule.succeeded(&key("x"), None);
    schedule.add(key("x"), now);
    assert_eq!(schedule.start(now), Some(key("x")));
    schedule.failed(&key("x"), now, 1.0);
    assert_eq!(
        schedule.next_due(),
        Some(now + Duration::from_millis(1500)),
        "forgotten, with jitter"
    );
}

#[test]
fn news_shorten_the_wait_after_a_failure_but_not_to_nothing() {
    let mut schedule = Schedule::default();
    schedule.add(key("x"), seconds(0));
    for now in [0, 1, 3] {
        assert_eq!(schedule.start(seconds(now)), Some(key("x")));
        schedule.failed(&key("x"), seconds(now), 0.0);
    }
    assert_eq!(schedule.next_due(), Some(seconds(7)));
    schedule.add(key("x"), seconds(3));
    assert_eq!(schedule.next_due(), Some(seconds(4)));
}

#[test]
fn news_that_came_while_it_failed_do_not_make_it_spin() {
    let mut schedule = Schedule::default();
    schedule.add(key("x"), seconds(0));
    assert_eq!(schedule.start(seconds(0)), Some(key("x")));
    schedule.add(key("x"), seconds(0));
    schedule.failed(&key("x"), seconds(0), 0.0);
    assert_eq!(schedule.next_due(), Some(AFTER_FAILURE_MIN));
}

/// Runs a queue of `keys` until `attempts` reconciles have ended.
async fn run<R>(keys: &[&str], parallel: usize, attempts: usize, reconcile: impl Fn(ObjectKey) -> R)
where
    R: Future<Output = Outcome> + Send + 'static,
{
    let queue = Queue::new();
    for name in keys {
        queue.add(key(name));
    }
    let (shutdown, ended) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let metrics = Metrics::new();
    let counted = |key| {
        let (ended, shutdown, work) = (Arc::clone(&ended), shutdown.clone(), reconcile(key));
        async move {
            let outcome = tokio::spawn(work).await;
            if ended.fetch_add(1, Ordering::SeqCst) + 1 == attempts {
                shutdown.cancel();
            }
            outcome?
        }
    };
    queue.run("Thing", parallel, &metrics, &shutdown, counted).await;
    assert!(ended.load(Ordering::SeqCst) >= attempts, "those that ran then could end");
}

#[tokio::test(start_paused = true)]
async fn no_key_runs_twice_at_once_and_no_more_than_may() {
    let running = Arc::new(Mutex::new(BTreeSet::new()));
    run(&["a", "b", "c"], 2, 9, |key| {
        let running = Arc::clone(&running);
        async move {
            assert!(running.lock().insert(key.clone()), "{key} runs twice");
            assert!(running.lock().len() <= 2);
            tokio::time::sleep(seconds(1)).await;
            running.lock().remove(&key);
            Ok(Some(seconds(1)))
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_that_panics_has_failed_and_is_tried_again() {
    let attempts = Arc::new(AtomicUsize::new(0));
    run(&["a"], 1, 3, |_| {
        let attempt = attempts.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(attempt > 0, "the first attempt panics");
            anyhow::ensure!(attempt > 1, "the second fails");
            Ok(None)
        }
    })
    .await;
}
