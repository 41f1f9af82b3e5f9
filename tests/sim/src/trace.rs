//! What happened in a run, as a hash by which two runs are compared, and the last of it in words.

use std::collections::VecDeque;
use std::fmt;

use taffrail_model::Now;

/// How much is kept to be shown with a failure.
const LINES_MAX: usize = 60;

/// FNV-1a over every event of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    last: VecDeque<String>,
    is_verbose: bool,
}

impl Trace {
    pub(crate) fn new(is_verbose: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, last: VecDeque::new(), is_verbose }
    }

    /// Takes note of an event.
    pub(crate) fn note(&mut self, now: Now, event: fmt::Arguments<'_>) {
        let line = format!("{:>9} ms: {event}", now.mono.since_start().as_millis());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.is_verbose {
            eprintln!("{line}");
        }
        if self.last.len() == LINES_MAX {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// The hash of all events so far.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The last events, in words.
    pub(crate) fn last(&self) -> String {
        self.last.iter().map(|line| format!("  {line}\n")).collect()
    }
}
