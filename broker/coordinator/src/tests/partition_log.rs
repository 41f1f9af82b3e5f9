//! A partition of `__consumer_offsets` in memory.

use taffrail_model::{Now, Offset};

use crate::{CoordinatorRecord, Event, LoadedBatch, LoadedRecord};

/// The batches of the partition, and how far they are committed.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionLog {
    batches: Vec<(Offset, Vec<CoordinatorRecord>)>,
    end: Offset,
}

impl PartitionLog {
    /// Appends a batch, and returns the offset of its last record.
    pub(super) fn append(&mut self, records: Vec<CoordinatorRecord>) -> Offset {
        self.end += Offset::try_from(records.len()).expect("a batch is small");
        self.batches.push((self.end - 1, records));
        self.end - 1
    }

    /// The offset after the last record.
    pub(super) fn end(&self) -> Offset {
        self.end
    }

    /// Cuts off the batches that are not below `end`.
    pub(super) fn truncate(&mut self, end: Offset) {
        self.batches.retain(|(last_offset, _)| *last_offset < end);
        self.end = self.batches.last().map_or(0, |(last_offset, _)| last_offset + 1);
    }

    /// What a shard hears that loads the partition.
    pub(super) fn load_events(&self) -> Vec<Event> {
        let load = |(last_offset, records): &(Offset, Vec<CoordinatorRecord>)| {
            let records = records
                .iter()
                .map(|record| LoadedRecord {
                    key: Some(record.key.clone()),
                    value: record.value.clone(),
                })
                .collect();
            Event::Load(LoadedBatch { last_offset: *last_offset, transactional: false, records })
        };
        let mut events = vec![Event::StartLoad { high_watermark: self.end }];
        events.extend(self.batches.iter().map(load));
        events.push(Event::Loaded);
        events
    }
}

/// Both clocks `ms` milliseconds after the beginning.
pub(super) fn at(ms: i64) -> Now {
    Now { mono: taffrail_model::Mono::ZERO.plus_ms(ms), wall: 1_000_000 + ms }
}
