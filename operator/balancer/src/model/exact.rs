//! Sums that stay exact when replicas are added to a model.

use super::{Model, RESOURCES};

/// `f64` holds whole numbers up to here.
const EXACT: u128 = 1 << 53;

impl Model {
    /// Makes the units coarser if some sum over the cluster could be more than `f64` holds exactly, with so much more (in
    /// the file's units) than there is. [`Model::new`] leaves room for eight times what there is, so that this is rarely
    /// needed.
    pub(crate) fn keep_sums_exact(&mut self, coming: [f64; RESOURCES]) {
        let mut sums = [0_u128; RESOURCES];
        let mut add = |load: &[i64; RESOURCES]| {
            for (sum, amount) in sums.iter_mut().zip(load) {
                *sum += u128::from(amount.unsigned_abs());
            }
        };
        for replica in &self.replicas {
            add(&replica.load);
            add(&self.partitions[replica.partition as usize].leader_extra);
        }
        self.brokers.iter().for_each(|broker| add(&broker.capacity));
        for (resource, sum) in sums.into_iter().enumerate() {
            let sum = sum.saturating_add((coming[resource] / self.units[resource]) as u128);
            let shift = (0..u128::BITS).find(|shift| sum >> shift <= EXACT).unwrap_or(0);
            if shift > 0 {
                self.coarsen(resource, shift);
            }
        }
    }

    /// Makes the unit of a resource 2^`shift` times as much.
    fn coarsen(&mut self, resource: usize, shift: u32) {
        let halves = |amount: &mut i64| *amount = (*amount >> shift) + (*amount >> (shift - 1) & 1);
        self.replicas.iter_mut().for_each(|replica| halves(&mut replica.load[resource]));
        self.partitions
            .iter_mut()
            .for_each(|partition| halves(&mut partition.leader_extra[resource]));
        self.brokers.iter_mut().for_each(|broker| halves(&mut broker.capacity[resource]));
        if resource == super::Resource::Disk as usize {
            self.log_dirs.iter_mut().for_each(|dir| halves(&mut dir.capacity));
        }
        self.units[resource] *= 2_f64.powi(shift as i32);
    }
}
