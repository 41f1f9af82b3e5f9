//! AlterConfigs (33): what is named is set, and what isn't is taken out. The older way, which two clients at once can't
//! use without undoing each other.

use taffrail_metadata::{ConfigReplacement, Operation, Refusal, ResourceType};
use taffrail_protocol::messages::AlterConfigsRequest;
use taffrail_protocol::messages::alter_configs_request::AlterConfigsResource;
use taffrail_protocol::messages::alter_configs_response::{
    AlterConfigsResourceResponse, AlterConfigsResponse,
};

use super::Call;
use super::config_changes::{invalid, refuse_nulls, resource, settle, to_wire};

pub(super) async fn handle(call: &Call<'_>, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let validate_only = request.validate_only;
    let named: Vec<(i8, String)> = request
        .resources
        .iter()
        .map(|resource| (resource.resource_type, resource.resource_name.clone()))
        .collect();
    let wishes =
        request.resources.into_iter().map(|resource| replacement(call, resource)).collect();
    let operation = |replacements| Operation::ReplaceConfigs { replacements, validate_only };
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
    AlterConfigsResponse {
        responses: named.into_iter().zip(outcomes).map(respond).collect(),
        ..Default::default()
    }
}

fn replacement(call: &Call<'_>, wish: AlterConfigsResource) -> Result<ConfigReplacement, Refusal> {
    let resource = resource(call, wish.resource_type, wish.resource_name)?;
    if resource.kind == ResourceType::BrokerLogger {
        // This request is older than changes of loggers, and never learned of them.
        return Err(invalid(format!("Unknown resource type {}", wish.resource_type)));
    }
    let nulls: Vec<&str> = wish
        .configs
        .iter()
        .filter(|config| config.value.is_none())
        .map(|config| config.name.as_str())
        .collect();
    refuse_nulls(&nulls)?;
    let configs =
        wish.configs.into_iter().filter_map(|config| Some((config.name, config.value?))).collect();
    Ok(ConfigReplacement { resource, configs })
}
