//! Tells every `Rebalance` how it stands.

use taffrail_crds::Rebalance;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::unsupported;

/// Looks after rebalances until `shutdown`.
pub async fn run(context: Context, shutdown: CancellationToken) {
    unsupported::run::<Rebalance>(context, shutdown).await;
}
