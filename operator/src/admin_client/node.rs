//! One node's word about itself, over gRPC.

use std::time::Duration;

use taffrail_admin_api::v1::node_client::NodeClient;
use taffrail_admin_api::v1::{
    GetHealthRequest, GetHealthResponse, GetRecoveryRequest, GetRecoveryResponse,
};
use tonic::transport::{Channel, Endpoint};

/// How long connecting and each question may take together: the event loop answers at once or not at all.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Log dirs, listeners and a handful of names.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How a node is.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Its phase, listeners, directories and more.
    pub state: GetHealthResponse,
    /// How far the recovery of its logs has come.
    pub recovery: GetRecoveryResponse,
}

/// Why a node said nothing.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// That is no address.
    #[error("\"{address}\" is not an address")]
    Address {
        /// What was given.
        address: String,
        /// Why it isn't one.
        source: tonic::transport::Error,
    },
    /// Nobody answers there.
    #[error("cannot connect to {address} over gRPC")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The node answered with an error.
    #[error("{address} did not answer {call}: {} ({:?})", .status.message(), .status.code())]
    Refused {
        /// Who was asked.
        address: String,
        /// What was asked.
        call: &'static str,
        /// What it said.
        status: Box<tonic::Status>,
    },
    /// No answer came in time.
    #[error("{address} did not answer over gRPC within {} s", TIMEOUT.as_secs())]
    Timeout {
        /// Who was asked.
        address: String,
    },
}

/// Asks the node at `address` (`host:port`) how it is.
///
/// # Errors
/// It can't be reached, or doesn't answer in time.
pub async fn health(address: &str) -> Result<Health, NodeError> {
    match tokio::time::timeout(TIMEOUT, ask(address)).await {
        Ok(answered) => answered,
        Err(_) => Err(NodeError::Timeout { address: address.to_owned() }),
    }
}

async fn ask(address: &str) -> Result<Health, NodeError> {
    let mut node =
        NodeClient::new(connect(address).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    let refused = |call: &'static str| {
        move |status: tonic::Status| NodeError::Refused {
            address: address.to_owned(),
            call,
            status: Box::new(status),
        }
    };
    let state = node.get_health(GetHealthRequest {}).await.map_err(refused("GetHealth"))?;
    let recovery =
        node.get_recovery(GetRecoveryRequest {}).await.map_err(refused("GetRecovery"))?;
    Ok(Health { state: state.into_inner(), recovery: recovery.into_inner() })
}

async fn connect(address: &str) -> Result<Channel, NodeError> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|source| NodeError::Address { address: address.to_owned(), source })?;
    endpoint
        .connect_timeout(TIMEOUT)
        .connect()
        .await
        .map_err(|source| NodeError::Connect { address: address.to_owned(), source })
}
