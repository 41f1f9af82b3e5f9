//! ApiVersions (18): what this broker serves, and which features the cluster has finalised.

use taffrail_metadata::supported_features;
use taffrail_model::ErrorCode;
use taffrail_protocol::ApiKey;
use taffrail_protocol::messages::ApiVersionsRequest;
use taffrail_protocol::messages::api_versions_response::{
    ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};

use super::Call;

pub(super) async fn handle(call: &Call<'_>, request: ApiVersionsRequest) -> ApiVersionsResponse {
    if call.version >= 3 && !is_legal(&request) {
        return ApiVersionsResponse {
            error_code: ErrorCode::InvalidRequest.code(),
            ..Default::default()
        };
    }
    let image = call.broker.image();
    let supported = supported_features().iter().map(|feature| SupportedFeatureKey {
        name: feature.name.to_owned(),
        min_version: feature.range.min,
        max_version: feature.range.max,
        ..Default::default()
    });
    let finalized = image.features().iter().map(|(name, level)| FinalizedFeatureKey {
        name: name.to_owned(),
        max_version_level: level,
        min_version_level: level,
        ..Default::default()
    });
    ApiVersionsResponse {
        api_keys: served(call),
        // Before version 4 clients take a lower bound of zero for an error (KAFKA-17011).
        supported_features: supported
            .filter(|feature| call.version >= 4 || feature.min_version > 0)
            .collect(),
        finalized_features_epoch: image.offset,
        finalized_features: finalized.collect(),
        ..Default::default()
    }
}

/// The answer to a version that isn't served; the client reads it as version 0.
pub(super) fn unsupported(call: &Call<'_>) -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: served(call),
        ..Default::default()
    }
}

fn served(call: &Call<'_>) -> Vec<ApiVersion> {
    call.audience
        .served()
        .map(|served| ApiVersion {
            api_key: served.key.code(),
            // A librdkafka defect wants to see Produce version 0 (KIP-896); nobody may use it.
            min_version: if served.key == ApiKey::Produce { 0 } else { served.min },
            max_version: served.max,
            ..Default::default()
        })
        .collect()
}

/// KIP-511: `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` for both.
pub(super) fn is_legal(request: &ApiVersionsRequest) -> bool {
    [&request.client_software_name, &request.client_software_version].into_iter().all(|text| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        edge(text.chars().next())
            && edge(text.chars().next_back())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_software_names_follow_kip_511() {
        let check = |name: &str, legal: bool| {
            let request = ApiVersionsRequest {
                client_software_name: name.to_owned(),
                client_software_version: "1.0".to_owned(),
                ..Default::default()
            };
            assert_eq!(is_legal(&request), legal, "{name:?}");
        };
        check("apache-kafka-java", true);
        check("x", true);
        check("-x", false);
        check("x.", false);
        check("", false);
        check("a b", false);
    }
}
