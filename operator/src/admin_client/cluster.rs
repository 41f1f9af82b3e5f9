//! `DescribeCluster`.

use std::collections::BTreeSet;

use taffrail_client::Refusal;
use taffrail_model::NodeId;
use taffrail_protocol::ApiKey;
use taffrail_protocol::messages::DescribeClusterRequest;

use super::{AdminClient, AdminError};

/// A cluster as one of its brokers sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClusterDescription {
    /// The cluster id.
    pub cluster_id: String,
    /// The active controller, as far as is known; with KRaft a broker names any live broker here.
    pub controller: Option<NodeId>,
    /// The brokers that are registered and not fenced.
    pub brokers: Vec<BrokerDescription>,
}

/// One broker of a cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BrokerDescription {
    /// Its node id.
    pub id: NodeId,
    /// Where it is, on the listener that was asked.
    pub address: String,
    /// Its rack.
    pub rack: Option<String>,
}

impl AdminClient {
    /// Asks which brokers there are.
    ///
    /// # Errors
    /// No broker answers, or the answer can't be trusted.
    pub async fn describe_cluster(&mut self) -> Result<ClusterDescription, AdminError> {
        let api = ApiKey::DescribeCluster;
        let response = self.read(&DescribeClusterRequest::default(), 0..=i16::MAX).await?;
        Refusal::check(response.error_code, response.error_message.as_deref())
            .map_err(|refusal| AdminError::Refused { api, refusal })?;
        let mut seen = BTreeSet::new();
        let mut brokers = Vec::new();
        for broker in response.brokers {
            if broker.broker_id < 0 || !seen.insert(broker.broker_id) {
                let what = format!("it names broker {} twice, or no broker can", broker.broker_id);
                return Err(AdminError::Answer { api, what });
            }
            brokers.push(BrokerDescription {
                id: broker.broker_id,
                address: taffrail_client::join(&broker.host, broker.port),
                rack: broker.rack,
            });
        }
        Ok(ClusterDescription {
            cluster_id: response.cluster_id,
            controller: Some(response.controller_id).filter(|id| *id >= 0),
            brokers,
        })
    }
}
