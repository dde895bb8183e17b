//! Dominant-resource fairness between tenants.

use turgo_machine::mutant;

use crate::resources::{Lane, Resources};

/// A tenant, by the number that [`TaskView::tenant`](crate::policy::TaskView::tenant) has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(pub u32);

#[derive(Debug, Clone)]
struct Account {
    tenant: Tenant,
    weight: f32,
    used: Resources,
    /// How many tasks hold that.
    tasks: u32,
}

/// Shares a capacity between tenants by progressive filling: the next task is that of the tenant whose dominant share, over its weight, is the smallest (Ghodsi et al.,
/// "Dominant resource fairness: fair allocation of multiple resource types", NSDI 2011).
///
/// For demands that can be divided nobody would be better off with the `n`-th part of everything (sharing incentive), nobody would rather have another's part (no envy),
/// nobody gains by asking for what it does not need (strategy-proofness), and nothing that someone could use is left (Pareto efficiency). Tasks cannot be divided:
/// then all this holds but for one task of each tenant (Parkes, Procaccia, Shah, "Beyond dominant resource fairness", EC 2012).
///
/// ```
/// use turgo_sched::admission::{Tenant, Tenants};
/// use turgo_sched::resources::{Lane, Resources};
/// let need = |cpu, memory| Resources::NONE.with(Lane::Cpu, cpu).with(Lane::Memory, memory);
/// // The example of the paper: 9 processors and 18 GB; tasks of 1 and 4, and of 3 and 1.
/// let mut tenants = Tenants::new(need(9.0, 18.0));
/// let wants = [(Tenant(0), need(1.0, 4.0)), (Tenant(1), need(3.0, 1.0))];
/// wants.iter().for_each(|&(tenant, _)| tenants.add(tenant, 1.0));
/// let mut tasks = [0; 2];
/// while let Some(at) = tenants.next(&wants) {
///     tenants.take(wants[at].0, wants[at].1);
///     tasks[at] += 1;
/// }
/// assert_eq!(tasks, [3, 2]);
/// ```
#[derive(Debug, Clone)]
pub struct Tenants {
    capacity: Resources,
    accounts: Vec<Account>,
    used: Resources,
}

impl Tenants {
    /// Nobody yet.
    #[must_use]
    pub fn new(capacity: Resources) -> Self {
        Self { capacity, accounts: Vec::new(), used: Resources::NONE }
    }

    /// A new tenant; one that is there gets a new weight.
    ///
    /// # Panics
    ///
    /// If the weight is not finite and above 0.
    pub fn add(&mut self, tenant: Tenant, weight: f32) {
        assert!(weight.is_finite() && weight > 0.0, "a weight of {weight}");
        match self.account(tenant) {
            Some(account) => account.weight = weight,
            None => self.accounts.push(Account { tenant, weight, used: Resources::NONE, tasks: 0 }),
        }
    }

    fn account(&mut self, tenant: Tenant) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.tenant == tenant)
    }

    /// Whose demand is next among those that fit into what is left: the position in the list; `None` if none fits, or nobody of them was added. O(tenants) for each demand.
    #[must_use]
    pub fn next(&self, wants: &[(Tenant, Resources)]) -> Option<usize> {
        let fits = |need: Resources| (self.used + need).fits(self.capacity);
        let candidates = wants.iter().enumerate().filter(|(_, (_, need))| fits(*need));
        let shares = candidates.filter_map(|(at, (tenant, _))| Some((at, self.share(*tenant)?)));
        shares.reduce(|best, next| if next.1 < best.1 { next } else { best }).map(|(at, _)| at)
    }

    /// A tenant's dominant share over its weight.
    #[must_use]
    pub fn share(&self, tenant: Tenant) -> Option<f32> {
        let account = self.accounts.iter().find(|account| account.tenant == tenant)?;
        let shares = account.used.normalised(self.capacity);
        let dominant =
            if mutant!("A3 processors only") { shares.get(Lane::Cpu) } else { shares.largest() };
        Some(dominant / account.weight)
    }

    /// A tenant's task has got what it needs.
    pub fn take(&mut self, tenant: Tenant, need: Resources) {
        if let Some(account) = self.account(tenant) {
            account.used += need;
            account.tasks += 1;
            self.used += need;
        }
    }

    /// A tenant's task has ended. Whoever has no task left holds nothing, whatever sums of fractions say.
    pub fn give_back(&mut self, tenant: Tenant, need: Resources) {
        if let Some(account) = self.account(tenant) {
            account.tasks = account.tasks.saturating_sub(1);
            let left = account.used.saturating_sub(need);
            account.used = if account.tasks == 0 { Resources::NONE } else { left };
            let is_idle = self.accounts.iter().all(|account| account.tasks == 0);
            let left = self.used.saturating_sub(need);
            self.used = if is_idle { Resources::NONE } else { left };
        }
    }

    /// What all tenants have together.
    #[must_use]
    pub fn used(&self) -> Resources {
        self.used
    }
}
