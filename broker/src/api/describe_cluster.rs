//! DescribeCluster (60): the brokers and the cluster's id.

use taffrail_model::ErrorCode;
use taffrail_protocol::messages::DescribeClusterRequest;
use taffrail_protocol::messages::describe_cluster_response::{
    DescribeClusterBroker, DescribeClusterResponse,
};
use taffrail_security::ResourcePattern as Resource;

use super::Call;

/// The endpoint type that asks for brokers; the other one, 2, asks for controllers on the controllers' own listener.
const BROKERS: i8 = 1;

pub(super) async fn handle(
    call: &Call<'_>,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    if request.endpoint_type != BROKERS {
        let error = if request.endpoint_type == 2 {
            ErrorCode::MismatchedEndpointType
        } else {
            ErrorCode::UnsupportedEndpointType
        };
        return DescribeClusterResponse {
            error_code: error.code(),
            error_message: Some(format!(
                "endpoint type {} can't be asked of a broker's listener",
                request.endpoint_type
            )),
            ..Default::default()
        };
    }
    let image = call.broker.image();
    let brokers = image
        .brokers()
        .filter(|broker| {
            broker.is_active() || (request.include_fenced_brokers && call.version >= 2)
        })
        .filter_map(|broker| {
            let endpoint = broker.endpoint(call.context.listener.as_str())?;
            Some(DescribeClusterBroker {
                broker_id: broker.id,
                host: endpoint.host.clone(),
                port: i32::from(endpoint.port),
                rack: broker.rack.clone(),
                is_fenced: broker.fenced && call.version >= 2,
                ..Default::default()
            })
        })
        .collect();
    let cluster_authorized_operations = if request.include_cluster_authorized_operations {
        call.authorized_operations(Resource::CLUSTER)
    } else {
        i32::MIN
    };
    DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: call.broker.cluster_id().to_owned(),
        controller_id: call.broker.node_id(),
        brokers,
        cluster_authorized_operations,
        ..Default::default()
    }
}
