//! IncrementalAlterConfigs (44): configurations changed key by key.

use taffrail_metadata::{
    ConfigAlteration, ConfigChange, ConfigOperation, Operation, Refusal, ResourceType,
};
use taffrail_protocol::messages::IncrementalAlterConfigsRequest;
use taffrail_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use taffrail_protocol::messages::incremental_alter_configs_response::{
    AlterConfigsResourceResponse, IncrementalAlterConfigsResponse,
};

use super::Call;
use super::config_changes::{invalid, refuse_nulls, resource, settle, to_wire};

// What is to be done with a key, as Kafka's `AlterConfigOp.OpType` counts it.
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

pub(super) async fn handle(
    call: &Call<'_>,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let validate_only = request.validate_only;
    let named: Vec<(i8, String)> = request
        .resources
        .iter()
        .map(|resource| (resource.resource_type, resource.resource_name.clone()))
        .collect();
    let wishes = request.resources.into_iter().map(|resource| alteration(call, resource)).collect();
    let operation = |changes| Operation::IncrementalAlterConfigs { changes, validate_only };
    let outcomes = settle(call, &named, wishes, operation).await;
    let respond = |((resource_type, resource_name), outcome)| {
        let (error_code, error_message) = to_wire(outcome);
        AlterConfigsResourceResponse {
            error_code,
            error_message,
            resource_type,
            resource_name,
            ..Default::default()
        }
    };
    IncrementalAlterConfigsResponse {
        responses: named.into_iter().zip(outcomes).map(respond).collect(),
        ..Default::default()
    }
}

fn alteration(call: &Call<'_>, wish: AlterConfigsResource) -> Result<ConfigAlteration, Refusal> {
    let resource = resource(call, wish.resource_type, wish.resource_name)?;
    if resource.kind == ResourceType::BrokerLogger {
        return Err(invalid(
            "the levels of loggers can't be changed while the broker runs; start it with --log-level",
        ));
    }
    let lacks_value =
        |config: &&AlterableConfig| config.config_operation != DELETE && config.value.is_none();
    let nulls: Vec<&str> =
        wish.configs.iter().filter(lacks_value).map(|config| config.name.as_str()).collect();
    refuse_nulls(&nulls)?;
    let changes = wish.configs.into_iter().map(change).collect::<Result<_, _>>()?;
    Ok(ConfigAlteration { resource, changes })
}

fn change(config: AlterableConfig) -> Result<ConfigChange, Refusal> {
    let value = config.value.unwrap_or_default();
    let operation = match config.config_operation {
        SET => ConfigOperation::Set(value),
        DELETE => ConfigOperation::Delete,
        APPEND => ConfigOperation::Append(value),
        SUBTRACT => ConfigOperation::Subtract(value),
        unknown => return Err(invalid(format!("Unknown operations type {unknown}"))),
    };
    Ok(ConfigChange { name: config.name, operation })
}
