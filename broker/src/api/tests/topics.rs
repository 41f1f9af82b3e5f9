//! Topics, configurations and metadata.
