//! One connection to any broker of a cluster.

use std::ops::RangeInclusive;
use std::time::Duration;

use taffrail_client::{Connection, ConnectionError, ConnectionOptions};
use taffrail_protocol::Request;

use super::error::AdminError;

/// How long a broker has to answer. Creating and deleting wait for the controller, which is told
/// [`OPERATION_TIMEOUT`].
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a broker has for what it changes: less than [`REQUEST_TIMEOUT`], so that its own error arrives.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// A few hundred topics with thousands of partitions each.
const FRAME_BYTES_MAX: u64 = 64 << 20;

/// A client of one cluster's brokers. Calls are asked of whichever broker answers.
#[derive(Debug)]
pub struct AdminClient {
    /// The one that answered last is first.
    addresses: Vec<String>,
    connection: Option<Connection>,
}

impl AdminClient {
    /// A client that connects to the first of `addresses` (`host:port`) that answers, when it is first asked.
    #[must_use]
    pub const fn new(addresses: Vec<String>) -> Self {
        Self { addresses, connection: None }
    }

    /// Sends a request that only reads. It is asked anew, of the next broker, if a connection breaks meanwhile.
    pub(super) async fn read<R: Request>(
        &mut self,
        request: &R,
        fit: RangeInclusive<i16>,
    ) -> Result<R::Response, AdminError> {
        let mut attempts = self.addresses.len().max(1);
        loop {
            match self.call(request, fit.clone()).await {
                Err(AdminError::Connection(error)) if error.is_retriable() && attempts > 1 => {
                    attempts -= 1;
                    if !self.addresses.is_empty() {
                        self.addresses.rotate_left(1);
                    }
                }
                answered => return answered,
            }
        }
    }

    /// Sends a request that changes something, once.
    pub(super) async fn call<R: Request>(
        &mut self,
        request: &R,
        fit: RangeInclusive<i16>,
    ) -> Result<R::Response, AdminError> {
        let connection = match self.connection.take().filter(|open| !open.is_out_of_step()) {
            Some(connection) => connection,
            None => self.open().await?,
        };
        let connection = self.connection.insert(connection);
        let answered = connection.call(request, fit, REQUEST_TIMEOUT).await;
        if let Err(
            ConnectionError::Broken { .. }
            | ConnectionError::Garbled { .. }
            | ConnectionError::NotAnAnswer { .. },
        ) = &answered
        {
            self.connection = None;
        }
        Ok(answered?)
    }

    /// What requests that change something tell the broker about its deadline.
    pub(super) fn operation_timeout_ms() -> i32 {
        i32::try_from(OPERATION_TIMEOUT.as_millis()).unwrap_or(i32::MAX)
    }

    async fn open(&mut self) -> Result<Connection, AdminError> {
        let mut failure = AdminError::NoAddress;
        for index in 0..self.addresses.len() {
            let Some(address) = self.addresses.get(index) else { break };
            let options = ConnectionOptions {
                client_id: "taffrail-operator",
                request_timeout: REQUEST_TIMEOUT,
                frame_bytes_max: FRAME_BYTES_MAX,
            };
            match Connection::open(address, options).await {
                Ok(connection) => {
                    self.addresses.rotate_left(index);
                    return Ok(connection);
                }
                Err(error) => failure = error.into(),
            }
        }
        Err(failure)
    }
}
