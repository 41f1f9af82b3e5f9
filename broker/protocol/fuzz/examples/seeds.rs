//! Writes inputs for the target `batches` to begin with: a valid batch of each codec. A fuzzer doesn't
//! find a gzip header or a zstd frame by chance, and without one it never sees what lies behind.

use std::path::Path;

use taffrail_protocol::batch::BatchBuilder;
use taffrail_protocol::compression::Compression;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/batches");
    std::fs::create_dir_all(&corpus)?;
    for codec in Compression::ALL {
        for (name, producer) in [("plain", false), ("producer", true)] {
            let mut builder = BatchBuilder::new().compression(codec);
            if producer {
                builder = builder.producer(7, 0, 0).transactional(true);
            }
            for i in 0..3 {
                builder.append(1_700_000_000_000 + i, Some(b"key"), Some(&[b'v'; 40]), &[]);
            }
            builder.append(
                1_700_000_000_009,
                None,
                None,
                &[("h", Some(b"x".as_slice())), ("n", None)],
            );
            // The first byte is the target's mode: 1 puts the CRC right after each mutation.
            let mut input = vec![1];
            input.extend_from_slice(&builder.build());
            std::fs::write(corpus.join(format!("seed-{}-{name}", codec.name())), input)?;
        }
    }
    Ok(())
}
