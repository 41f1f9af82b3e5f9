//! One connection to one broker.

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use taffrail_model::ErrorCode;
use taffrail_protocol::header::{decode_response, encode_request};
use taffrail_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use taffrail_protocol::wire::DecodeError;
use taffrail_protocol::{ApiKey, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::ConnectionError;

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The version that brokers know since 2.4; an older one answers it with an error.
const API_VERSIONS_VERSION: i16 = 3;

/// How a client introduces itself and what it bears.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// The client id, which brokers log and count by; the software's name as well.
    pub client_id: &'static str,
    /// How long a request may take whose answer waits for nothing: the negotiation's too.
    pub request_timeout: Duration,
    /// The largest answer. Beyond it, the other side speaks another protocol or means ill.
    pub frame_bytes_max: u64,
}

/// A connection that knows which versions its broker has.
#[derive(Debug)]
pub struct Connection {
    address: String,
    options: ConnectionOptions,
    stream: TcpStream,
    next_correlation_id: i32,
    versions: BTreeMap<i16, RangeInclusive<i16>>,
    /// Whether a request went out whose answer wasn't read: what comes next is not in step.
    in_flight: bool,
}

impl Connection {
    /// Connects, and asks for the versions.
    ///
    /// # Errors
    /// Nobody answers there, or nobody who speaks Kafka's protocol.
    pub async fn open(address: &str, options: ConnectionOptions) -> Result<Self, ConnectionError> {
        let refused = |source| ConnectionError::Connect { address: address.to_owned(), source };
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        let mut connection = Self {
            address: address.to_owned(),
            options,
            stream,
            next_correlation_id: 0,
            versions: BTreeMap::new(),
            in_flight: false,
        };
        let answer = connection.ask_versions().await?;
        connection.versions = answer
            .api_keys
            .into_iter()
            .map(|api| (api.api_key, api.min_version..=api.max_version))
            .collect();
        Ok(connection)
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether an answer is still to come, since its request was given up.
    #[must_use]
    pub const fn is_out_of_step(&self) -> bool {
        self.in_flight
    }

    /// Sends a request in the highest version that lies in `fit`, which the caller wrote it for, and that the
    /// broker has; waits for the answer.
    ///
    /// # Errors
    /// No version fits, the connection breaks, or no sensible answer comes in time.
    pub async fn call<R: Request>(
        &mut self,
        request: &R,
        fit: RangeInclusive<i16>,
        limit: Duration,
    ) -> Result<R::Response, ConnectionError> {
        let version = self.version_for::<R>(fit)?;
        let frame = self.exchange(request, version, limit).await?;
        self.decode::<R>(frame, version)
    }

    /// Sends a request that has no answer.
    ///
    /// # Errors
    /// No version fits, or the connection breaks.
    pub async fn send<R: Request>(
        &mut self,
        request: &R,
        fit: RangeInclusive<i16>,
    ) -> Result<(), ConnectionError> {
        let version = self.version_for::<R>(fit)?;
        self.in_flight = true;
        let limit = self.options.request_timeout;
        timeout(limit, self.write(request, version)).await.map_err(|_| self.late::<R>(limit))??;
        self.in_flight = false;
        Ok(())
    }

    async fn ask_versions(&mut self) -> Result<ApiVersionsResponse, ConnectionError> {
        let request = ApiVersionsRequest {
            client_software_name: self.options.client_id.to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Default::default()
        };
        let limit = self.options.request_timeout;
        let frame = self.exchange(&request, API_VERSIONS_VERSION, limit).await?;
        // A broker without this version answers in version 0; the error comes first in all of them.
        if frame.get(4..6) == Some(&ErrorCode::UnsupportedVersion.code().to_be_bytes()) {
            return Err(
                self.unsupported::<ApiVersionsRequest>(API_VERSIONS_VERSION..=API_VERSIONS_VERSION)
            );
        }
        self.decode::<ApiVersionsRequest>(frame, API_VERSIONS_VERSION)
    }

    fn version_for<R: Request>(&self, fit: RangeInclusive<i16>) -> Result<i16, ConnectionError> {
        let ours = *fit.start().max(&R::MIN_VERSION)..=*fit.end().min(&R::MAX_VERSION);
        self.versions
            .get(&R::KEY.code())
            .map(|theirs| (theirs.start().max(ours.start()), theirs.end().min(ours.end())))
            .filter(|(low, high)| low <= high)
            .map(|(_, high)| *high)
            .ok_or_else(|| self.unsupported::<R>(ours))
    }

    async fn exchange<R: Request>(
        &mut self,
        request: &R,
        version: i16,
        limit: Duration,
    ) -> Result<Bytes, ConnectionError> {
        self.in_flight = true;
        let frame = timeout(limit, async {
            let correlation_id = self.write(request, version).await?;
            self.read(R::KEY, correlation_id).await
        })
        .await
        .map_err(|_| self.late::<R>(limit))??;
        self.in_flight = false;
        Ok(frame)
    }

    async fn write<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<i32, ConnectionError> {
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = correlation_id.wrapping_add(1);
        let chunks = encode_request(correlation_id, Some(self.options.client_id), version, request)
            .map_err(|source| ConnectionError::Encode {
                address: self.address.clone(),
                api: R::KEY,
                source,
            })?;
        for chunk in chunks {
            self.stream.write_all(&chunk).await.map_err(|source| self.broken(R::KEY, source))?;
        }
        Ok(correlation_id)
    }

    /// Reads one frame without its size, and sees that it answers the request.
    async fn read(&mut self, api: ApiKey, correlation_id: i32) -> Result<Bytes, ConnectionError> {
        let read = self.stream.read_i32().await;
        let size = read.map_err(|source| self.broken(api, source))?;
        let size = match u64::try_from(size) {
            Ok(size) if (4..=self.options.frame_bytes_max).contains(&size) => size,
            _ => return Err(self.not_an_answer(api, format!("a frame of {size} bytes"))),
        };
        // Grows with what arrives: the size is only a claim.
        let mut frame = Vec::new();
        let read = (&mut self.stream).take(size).read_to_end(&mut frame).await;
        match read {
            Ok(length) if length as u64 == size => {}
            Ok(_) => return Err(self.broken(api, io::ErrorKind::UnexpectedEof.into())),
            Err(source) => return Err(self.broken(api, source)),
        }
        let frame = Bytes::from(frame);
        match frame.first_chunk() {
            Some(id) if i32::from_be_bytes(*id) == correlation_id => Ok(frame),
            _ => Err(self.not_an_answer(api, "the answer to another request".to_owned())),
        }
    }

    fn decode<R: Request>(
        &self,
        frame: Bytes,
        version: i16,
    ) -> Result<R::Response, ConnectionError> {
        decode_response::<R>(frame, version).map(|(_, response)| response).map_err(
            |source: DecodeError| ConnectionError::Garbled {
                address: self.address.clone(),
                api: R::KEY,
                source,
            },
        )
    }

    fn unsupported<R: Request>(&self, ours: RangeInclusive<i16>) -> ConnectionError {
        ConnectionError::Unsupported {
            address: self.address.clone(),
            api: R::KEY,
            ours,
            theirs: self.versions.get(&R::KEY.code()).cloned(),
        }
    }

    fn late<R: Request>(&self, limit: Duration) -> ConnectionError {
        ConnectionError::Timeout {
            address: self.address.clone(),
            api: R::KEY,
            seconds: limit.as_secs(),
        }
    }

    fn broken(&self, api: ApiKey, source: io::Error) -> ConnectionError {
        ConnectionError::Broken { address: self.address.clone(), api, source }
    }

    fn not_an_answer(&self, api: ApiKey, what: String) -> ConnectionError {
        ConnectionError::NotAnAnswer { address: self.address.clone(), api, what }
    }
}
