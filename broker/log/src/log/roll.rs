//! Beginning a new segment.

use std::sync::Arc;

use taffrail_model::{Now, Offset};

use super::Log;
use crate::disk::Disk;
use crate::error::LogError;
use crate::segment::Segment;

impl<D: Disk> Log<D> {
    /// Begins a new segment at the end of the log; does nothing while the active one is empty.
    ///
    /// # Errors
    /// Errors of the disk. The active segment then goes on taking appends.
    pub fn roll(&mut self, now: Now) -> Result<(), LogError> {
        self.shared.check_online()?;
        if self.shared.active().size() == 0 { Ok(()) } else { self.roll_to(self.end_offset(), now) }
    }

    /// Begins a new segment at `base_offset`, which isn't below the end of the log.
    pub(super) fn roll_to(&mut self, base_offset: Offset, now: Now) -> Result<(), LogError> {
        let sealed = self.shared.active();
        sealed.seal()?;
        if !self.snapshots.contains(base_offset) {
            self.snapshots.write(base_offset, &self.producers)?;
        }
        let segment = Segment::create(&self.disk, &self.dir, base_offset, now.wall)?;
        let mut segments = self.shared.segments().to_vec();
        // An empty segment can't stay: its file would lie about the offsets that it covers.
        if sealed.size() == 0 {
            segments.pop();
            self.doom(&sealed, now)?;
        }
        segments.push(Arc::new(segment));
        self.shared.set_segments(segments);
        self.names_changed += 1;
        Ok(())
    }
}
