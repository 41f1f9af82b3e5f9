//! Replies: whole frames in parts, which go to the socket as they are.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::deadline::TransferDeadline;

/// Parts that are handed to the system at once; it takes up to 1,024.
const PARTS_PER_WRITE: usize = 64;

/// Why a reply wasn't written to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The peer doesn't read.
    #[error("a reply of {expected} bytes stalled after {written}")]
    Stalled {
        /// Bytes that the system took.
        written: usize,
        /// Bytes of the whole.
        expected: usize,
    },
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

/// Writes all parts, in order, and returns how many bytes that were. Parts are let go as they are
/// written. A peer that takes nothing is given up, since the rest's memory waits for it.
pub(super) async fn write_parts(
    stream: &TcpStream,
    parts: Vec<Bytes>,
    frame_timeout: Duration,
) -> Result<usize, WriteError> {
    let mut deadline = TransferDeadline::start(frame_timeout);
    let expected = parts.iter().map(Bytes::len).sum();
    let mut written = 0;
    let mut parts = VecDeque::from(parts);
    while written < expected {
        let mut slices = [IoSlice::new(&[]); PARTS_PER_WRITE];
        let mut count = 0;
        for (slice, part) in slices.iter_mut().zip(&parts) {
            *slice = IoSlice::new(part);
            count += 1;
        }
        match stream.try_write_vectored(&slices[..count]) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(taken) => {
                written += taken;
                deadline.moved(taken);
                drop_front(&mut parts, taken);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                timeout_at(deadline.end(), stream.writable())
                    .await
                    .map_err(|_| WriteError::Stalled { written, expected })??;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(written)
}

/// Drops the first `bytes` bytes, and the empty parts that follow them.
fn drop_front(parts: &mut VecDeque<Bytes>, mut bytes: usize) {
    while let Some(first) = parts.front_mut() {
        if bytes < first.len() {
            first.advance(bytes);
            return;
        }
        bytes -= first.len();
        parts.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_dropped_from_the_front() {
        let check = |bytes, expect: &[&str]| {
            let parts = ["ab", "", "cde", "", "f"];
            let mut parts: VecDeque<_> = parts.map(Bytes::from).into();
            drop_front(&mut parts, bytes);
            assert_eq!(parts, expect, "{bytes}");
        };
        check(0, &["ab", "", "cde", "", "f"]);
        check(1, &["b", "", "cde", "", "f"]);
        check(2, &["cde", "", "f"]);
        check(4, &["e", "", "f"]);
        check(5, &["f"]);
        check(6, &[]);
    }
}
