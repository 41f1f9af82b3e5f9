//! Produce, Fetch and ListOffsets.
