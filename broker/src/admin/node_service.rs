//! `taffrail.node.v1.Node`: what the node says about itself.

use std::sync::Arc;

use taffrail_admin_api::RECOVERY_CURRENT_MAX;
use taffrail_admin_api::v1::node_server::Node;
use taffrail_admin_api::v1::{
    self, GetHealthRequest, GetHealthResponse, GetLoadRequest, GetRecoveryRequest,
    GetRecoveryResponse, Listener, LogDir, LogDirState, Role,
};
use taffrail_log::Disk;
use tokio::sync::Semaphore;
use tonic::codegen::tokio_stream::{self, Iter};
use tonic::{Request, Response, Status};

use super::load::LoadMessages;
use crate::config::{Machine, Roles, ServerConfig};
use crate::runtime::{Directory, NodeView, OsDisk, Phase};
use crate::telemetry::Metrics;

/// Questions to the file systems that may be under way; each holds a thread for as long as a sick disk keeps it.
const FILE_SYSTEM_QUESTIONS_MAX: usize = 1;

/// The service.
pub(super) struct NodeService {
    view: Arc<NodeView>,
    metrics: Arc<Metrics>,
    machine: Machine,
    file_systems: Arc<Semaphore>,
}

impl NodeService {
    pub(super) fn new(config: &ServerConfig, view: Arc<NodeView>, metrics: Arc<Metrics>) -> Self {
        let file_systems = Arc::new(Semaphore::new(FILE_SYSTEM_QUESTIONS_MAX));
        Self { view, metrics, machine: config.machine, file_systems }
    }

    /// The directories with their file systems' sizes, which come from a thread of their own: a disk that doesn't
    /// answer must not keep the probes waiting.
    async fn log_dirs(&self) -> Result<Vec<LogDir>, Status> {
        let directories = self.view.directories();
        let question = Arc::clone(&self.file_systems).acquire_owned().await;
        let answer = tokio::task::spawn_blocking(move || {
            let _question = question;
            directories.into_iter().map(log_dir).collect()
        });
        answer.await.map_err(|_| Status::internal("the log dirs can't be looked at"))
    }
}

#[tonic::async_trait]
impl Node for NodeService {
    async fn get_health(
        &self,
        _: Request<GetHealthRequest>,
    ) -> Result<Response<GetHealthResponse>, Status> {
        let log_dirs = self.log_dirs().await?;
        let view = &self.view;
        let listeners = view.bound().iter().map(|bound| Listener {
            name: bound.name.clone(),
            bound_address: bound.address.to_string(),
            is_controller: bound.is_controller,
        });
        Ok(Response::new(GetHealthResponse {
            node_id: view.node_id,
            cluster_id: view.cluster_id().map(str::to_owned),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            phase: phase(view.phase()).into(),
            fenced: view.is_fenced(),
            broker_epoch: view.broker_epoch(),
            listeners: listeners.collect(),
            log_dirs,
            uptime_ms: millis(view.uptime()),
            process_start_time_unix_ms: view.started_at,
            roles: roles(view.roles).map(i32::from).collect(),
            event_loop_age_ms: millis(view.pulse_age()),
            is_active_controller: view.is_active_controller(),
        }))
    }

    async fn get_recovery(
        &self,
        _: Request<GetRecoveryRequest>,
    ) -> Result<Response<GetRecoveryResponse>, Status> {
        let recovery = self.view.recovery.load(RECOVERY_CURRENT_MAX);
        Ok(Response::new(GetRecoveryResponse {
            is_complete: recovery.is_complete,
            total_logs: recovery.logs_total,
            recovered_logs: recovery.logs_recovered,
            recovered_bytes: recovery.bytes_recovered,
            current_logs: recovery.current,
            elapsed_ms: millis(recovery.elapsed),
        }))
    }

    type GetLoadStream = Iter<LoadMessages>;

    async fn get_load(
        &self,
        request: Request<GetLoadRequest>,
    ) -> Result<Response<Self::GetLoadStream>, Status> {
        let view = Arc::clone(&self.view);
        let messages = LoadMessages::new(view, &self.metrics, &self.machine, request.get_ref())?;
        Ok(Response::new(tokio_stream::iter(messages)))
    }
}

fn phase(phase: Phase) -> v1::Phase {
    match phase {
        Phase::Starting => v1::Phase::Starting,
        Phase::Recovering => v1::Phase::Recovering,
        Phase::Ready => v1::Phase::Ready,
        Phase::Stopping => v1::Phase::Stopping,
    }
}

fn roles(roles: Roles) -> impl Iterator<Item = Role> {
    let broker = roles.broker.then_some(Role::Broker);
    broker.into_iter().chain(roles.controller.then_some(Role::Controller))
}

fn log_dir(directory: Directory) -> LogDir {
    let Directory { path, id, is_offline, holds_metadata } = directory;
    // What the system doesn't say is left out.
    let space = OsDisk.space(&path).ok();
    LogDir {
        path: path.display().to_string(),
        directory_id: id.map(|id| id.to_string()),
        state: match is_offline {
            true => LogDirState::Offline,
            false => LogDirState::Online,
        }
        .into(),
        total_bytes: space.map(|space| space.total_bytes),
        usable_bytes: space.map(|space| space.free_bytes),
        holds_metadata,
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
