//! The account of the nodes' pods. It may do nothing, and its token isn't mounted.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::Blueprint;
use crate::cluster::names;

/// The nodes' service account.
#[must_use]
pub fn service_account(blueprint: &Blueprint<'_>) -> ServiceAccount {
    let cluster = &blueprint.cluster.name;
    ServiceAccount {
        metadata: blueprint
            .metadata(names::service_account(cluster), names::cluster_labels(cluster)),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
