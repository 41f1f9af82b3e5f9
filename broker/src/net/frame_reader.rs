//! Frames: an `i32` length and as many bytes.

use std::io;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::budget::{ByteBudget, Charge};
use super::deadline::TransferDeadline;

/// The shortest request: API key, version and correlation id.
const MIN_FRAME_BYTES: u32 = 8;
/// The size prefix.
const PREFIX_BYTES: usize = 4;
/// How much is asked of the socket before the next frame's length is known. Most requests fit.
const READ_AHEAD_BYTES: usize = 4 * 1024;
/// Room that is made for a frame on its announcement alone.
const FIRST_ROOM_BYTES: usize = 64 * 1024;
/// After that, room is made for so many times the bytes that have arrived.
const ROOM_GROWTH: usize = 4;

/// What one connection may send, and how slowly.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameLimits {
    /// The longest frame without its prefix, in bytes.
    pub(super) max_bytes: u32,
    /// Silence between frames; `None` is for ever.
    pub(super) idle_timeout: Option<Duration>,
    /// Silence within a frame.
    pub(super) frame_timeout: Duration,
}

/// One frame and what it holds of the budget.
#[derive(Debug)]
pub(super) struct Frame {
    /// The frame without its prefix.
    pub(super) bytes: Bytes,
    /// To be kept until the reply is written.
    pub(super) charge: Charge,
}

/// Why no further frame comes.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The peer closed the connection between frames.
    #[error("closed by the peer")]
    Closed,
    /// Nothing came for a long time.
    #[error("idle for {} ms", .0.as_millis())]
    Idle(Duration),
    /// The announced length isn't a request's.
    #[error("a frame of {length} bytes was announced, less than a request header{hint}")]
    TooShort {
        /// The length as announced.
        length: i32,
        /// What the peer may have meant, or nothing.
        hint: &'static str,
    },
    /// The announced length is beyond the limit.
    #[error(
        "a frame of {length} bytes was announced, and socket.request.max.bytes is {max_bytes}{hint}"
    )]
    TooLong {
        /// The length as announced.
        length: i32,
        /// The limit.
        max_bytes: u32,
        /// What the peer may have meant, or nothing.
        hint: &'static str,
    },
    /// The peer closed the connection within a frame.
    #[error("closed by the peer after {} bytes of a frame of {}", .0.received, .0.expected)]
    Truncated(Progress),
    /// The peer went silent, or almost, within a frame.
    #[error("a frame of {} bytes stalled after {}", .0.expected, .0.received)]
    Stalled(Progress),
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

impl FrameError {
    /// A word for metrics when it is this side that closes, or `None` when the peer left.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Closed | Self::Truncated(_) | Self::Io(_) => None,
            Self::Idle(_) => Some("idle"),
            Self::TooShort { .. } => Some("frame_too_short"),
            Self::TooLong { .. } => Some("frame_too_long"),
            Self::Stalled(_) => Some("stalled"),
        }
    }
}

/// Reads frames from one connection. Between frames it holds no memory, so that idle connections are
/// cheap; what a read brought beyond a frame's end stays for the next.
#[derive(Debug)]
pub(super) struct FrameReader {
    limits: FrameLimits,
    budget: ByteBudget,
    read_ahead: BytesMut,
}

impl FrameReader {
    pub(super) fn new(limits: FrameLimits, budget: ByteBudget) -> Self {
        Self { limits, budget, read_ahead: BytesMut::new() }
    }

    /// The next frame. When the future is dropped before its end the connection has to be closed.
    pub(super) async fn next(&mut self, stream: &TcpStream) -> Result<Frame, FrameError> {
        if self.read_ahead.is_empty() {
            self.first_bytes(stream).await?;
        }
        let mut deadline = TransferDeadline::start(self.limits.frame_timeout);
        deadline.moved(self.read_ahead.len());
        while self.read_ahead.len() < PREFIX_BYTES {
            self.read_ahead.reserve(READ_AHEAD_BYTES);
            let progress = Progress { received: self.read_ahead.len(), expected: PREFIX_BYTES };
            read_some(stream, &mut self.read_ahead, &mut deadline, progress).await?;
        }
        let length = self.length()?;
        let mut charge = self.budget.open();
        let bytes = if self.read_ahead.len() - PREFIX_BYTES >= length {
            charge_waiting(&mut charge, length, &mut deadline).await;
            self.read_ahead.advance(PREFIX_BYTES);
            self.read_ahead.split_to(length).freeze()
        } else {
            self.long_frame(stream, length, &mut charge, deadline).await?
        };
        Ok(Frame { bytes, charge })
    }

    /// Waits for the first bytes of a frame, for as long as a connection may idle.
    async fn first_bytes(&mut self, stream: &TcpStream) -> Result<(), FrameError> {
        loop {
            self.read_ahead.reserve(READ_AHEAD_BYTES);
            match stream.try_read_buf(&mut self.read_ahead) {
                Ok(0) => return Err(FrameError::Closed),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            self.read_ahead = BytesMut::new();
            match self.limits.idle_timeout {
                None => stream.readable().await?,
                Some(idle) => {
                    timeout(idle, stream.readable()).await.map_err(|_| FrameError::Idle(idle))??
                }
            }
        }
    }

    /// The announced length, when it is one that a request may have.
    fn length(&self) -> Result<usize, FrameError> {
        let mut prefix = &self.read_ahead[..PREFIX_BYTES];
        let hint = protocol_hint(prefix);
        let length = prefix.get_i32();
        let max_bytes = self.limits.max_bytes;
        match u32::try_from(length) {
            Ok(bytes) if bytes > max_bytes => Err(FrameError::TooLong { length, max_bytes, hint }),
            Ok(bytes) if bytes >= MIN_FRAME_BYTES => Ok(bytes as usize),
            _ => Err(FrameError::TooShort { length, hint }),
        }
    }

    /// A frame that the read-ahead doesn't hold. Its buffer grows with what arrives.
    async fn long_frame(
        &mut self,
        stream: &TcpStream,
        length: usize,
        charge: &mut Charge,
        mut deadline: TransferDeadline,
    ) -> Result<Bytes, FrameError> {
        let mut room = length.min(FIRST_ROOM_BYTES);
        charge_waiting(charge, room, &mut deadline).await;
        let mut body = BytesMut::with_capacity(room);
        self.read_ahead.advance(PREFIX_BYTES);
        body.extend_from_slice(&self.read_ahead);
        self.read_ahead.clear();
        while body.len() < length {
            if body.len() >= room {
                let larger = room.saturating_mul(ROOM_GROWTH).min(length);
                charge_waiting(charge, larger - room, &mut deadline).await;
                room = larger;
                let smaller = std::mem::replace(&mut body, BytesMut::with_capacity(room));
                body.extend_from_slice(&smaller);
            }
            let free = room - body.len();
            let progress =
                Progress { received: PREFIX_BYTES + body.len(), expected: PREFIX_BYTES + length };
            read_some(stream, &mut (&mut body).limit(free), &mut deadline, progress).await?;
        }
        Ok(body.freeze())
    }
}

/// Waits for the budget without holding it against the peer.
async fn charge_waiting(charge: &mut Charge, bytes: usize, deadline: &mut TransferDeadline) {
    let before = Instant::now();
    charge.grow(u32::try_from(bytes).unwrap_or(u32::MAX)).await;
    deadline.forgive_since(before);
}

/// How far a frame has come, with its prefix and as far as its length is known; for error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    received: usize,
    expected: usize,
}

/// Reads what there is, at least one byte, before the deadline.
async fn read_some(
    stream: &TcpStream,
    buffer: &mut impl BufMut,
    deadline: &mut TransferDeadline,
    progress: Progress,
) -> Result<(), FrameError> {
    loop {
        match stream.try_read_buf(buffer) {
            Ok(0) => return Err(FrameError::Truncated(progress)),
            Ok(bytes) => {
                deadline.moved(bytes);
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        timeout_at(deadline.end(), stream.readable())
            .await
            .map_err(|_| FrameError::Stalled(progress))??;
    }
}

/// What a peer may have meant that speaks another protocol to this port.
fn protocol_hint(prefix: &[u8]) -> &'static str {
    match prefix {
        [0x16, 3, ..] => "; it looks like TLS, and this listener is PLAINTEXT",
        b"GET " | b"POST" | b"HEAD" | b"PUT " => "; it looks like HTTP",
        _ => "",
    }
}
