//! `taffrail.node.v1.Node`: what the node says about itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use taffrail_admin_api::RECOVERY_CURRENT_MAX;
use taffrail_admin_api::v1::node_server::Node;
use taffrail_admin_api::v1::{
    self, GetHealthRequest, GetHealthResponse, GetLoadRequest, GetRecoveryRequest,
    GetRecoveryResponse, Listener, LogDir, LogDirState, Role,
};
use taffrail_log::{Disk, DiskSpace};
use tokio::sync::Semaphore;
use tonic::codegen::tokio_stream::{self, Iter};
use tonic::{Request, Response, Status};

use super::load::LoadMessages;
use crate::config::{Machine, Roles, ServerConfig};
use crate::runtime::{Directory, NodeView, OsDisk, Phase};
use crate::telemetry::Metrics;

/// Questions to the file systems that may be under way; each holds a thread for as long as a sick disk keeps it.
const FILE_SYSTEM_QUESTIONS_MAX: usize = 1;
/// How long they may take until an answer does without.
const FILE_SYSTEM_PATIENCE: Duration = Duration::from_secs(2);

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

    /// The directories with their file systems' sizes. Those come from a thread of their own, and only if they come in
    /// time: a disk that doesn't answer must keep neither the probes waiting nor the rest of the answer.
    async fn log_dirs(&self, patience: Duration) -> Vec<LogDir> {
        let directories = self.view.directories();
        let paths: Vec<PathBuf> = directories.iter().map(|dir| dir.path.clone()).collect();
        let answer = async {
            let question = Arc::clone(&self.file_systems).acquire_owned().await;
            let ask = move || -> Vec<Option<DiskSpace>> {
                let _question = question;
                paths.iter().map(|path| OsDisk.space(path).ok()).collect()
            };
            tokio::task::spawn_blocking(ask).await.unwrap_or_default()
        };
        let spaces = tokio::time::timeout(patience, answer).await.unwrap_or_default();
        let spaces = spaces.into_iter().chain(std::iter::repeat(None));
        directories.into_iter().zip(spaces).map(|(dir, space)| log_dir(dir, space)).collect()
    }
}

#[tonic::async_trait]
impl Node for NodeService {
    async fn get_health(
        &self,
        _: Request<GetHealthRequest>,
    ) -> Result<Response<GetHealthResponse>, Status> {
        let log_dirs = self.log_dirs(FILE_SYSTEM_PATIENCE).await;
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

fn log_dir(directory: Directory, space: Option<DiskSpace>) -> LogDir {
    let Directory { path, id, is_offline, holds_metadata } = directory;
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Properties;

    #[tokio::test]
    async fn a_file_system_that_does_not_answer_costs_the_sizes_alone() {
        let root = tempfile::tempdir().unwrap();
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\nlog.dirs={}\n\
             listeners=PLAINTEXT://localhost:0,CONTROLLER://localhost:0\n\
             controller.listener.names=CONTROLLER\ncontroller.quorum.voters=1@localhost:0",
            root.path().display()
        );
        let config = ServerConfig::resolve(Properties::parse(&text).unwrap()).unwrap();
        let view = NodeView::starting(&config);
        let service = NodeService::new(&config, view, Arc::new(Metrics::new()));
        let dirs = service.log_dirs(FILE_SYSTEM_PATIENCE).await;
        assert!(dirs.len() == 1 && dirs[0].total_bytes.is_some(), "{dirs:?}");
        let _under_way = service.file_systems.acquire().await.unwrap();
        let dirs = service.log_dirs(Duration::ZERO).await;
        assert!(dirs.len() == 1 && dirs[0].total_bytes.is_none(), "{dirs:?}");
        assert_eq!(dirs[0].path, root.path().display().to_string());
    }
}
