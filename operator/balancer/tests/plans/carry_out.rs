//! A cluster after a plan.

use taffrail_balancer::Plan;
use taffrail_balancer::document::{BrokerState, Cluster};

/// Does what the plan says, step by step. New brokers stay new.
pub(crate) fn carry_out(cluster: &Cluster, plan: &Plan) -> Cluster {
    let mut cluster = cluster.clone();
    let named = |cluster: &Cluster, id: i32| {
        let broker =
            cluster.brokers.iter().find(|broker| broker.id == id).expect("the broker is there");
        assert!(broker.state != BrokerState::Dead, "a replica goes to a dead broker");
        broker.log_dirs.first().map(|dir| dir.path.clone())
    };
    for step in &plan.steps {
        let dir_of = |id: i32| match step.log_dir.as_ref().filter(|log_dir| log_dir.broker == id) {
            Some(log_dir) => Some(log_dir.to.clone()).filter(|path| !path.is_empty()),
            None => named(&cluster, id),
        };
        let arrivals: Vec<_> = step
            .to
            .iter()
            .filter(|id| !step.from.contains(id))
            .map(|id| (*id, dir_of(*id)))
            .collect();
        let topic = cluster
            .topics
            .iter_mut()
            .find(|topic| *topic.name == *step.topic)
            .expect("the topic is there");
        let partition = topic
            .partitions
            .iter_mut()
            .find(|partition| partition.id == step.partition)
            .expect("the partition");
        let leader =
            partition.replicas.iter().find(|replica| Some(replica.broker) == partition.leader);
        let pattern = leader.unwrap_or(&partition.replicas[0]).clone();
        let gone =
            partition.replicas.iter().find(|replica| !step.to.contains(&replica.broker)).cloned();
        let old = std::mem::take(&mut partition.replicas);
        for id in &step.to {
            let stays = old.iter().find(|replica| replica.broker == *id).cloned();
            let mut replica =
                stays.unwrap_or_else(|| gone.clone().unwrap_or_else(|| pattern.clone()));
            if let Some((id, dir)) = arrivals.iter().find(|(arrival, _)| arrival == id) {
                replica.broker = *id;
                replica.log_dir.clone_from(dir);
            } else if let Some(log_dir) =
                step.log_dir.as_ref().filter(|log_dir| log_dir.broker == *id)
            {
                replica.log_dir = Some(log_dir.to.clone());
            }
            partition.replicas.push(replica);
        }
        partition.leader = step.leader;
    }
    cluster
}
