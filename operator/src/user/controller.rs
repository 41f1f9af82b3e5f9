//! Tells every `KafkaUser` how it stands.

use taffrail_crds::KafkaUser;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::unsupported;

/// Looks after users until `shutdown`.
pub async fn run(context: Context, shutdown: CancellationToken) {
    unsupported::run::<KafkaUser>(context, shutdown).await;
}
