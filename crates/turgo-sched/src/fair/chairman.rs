//! Tijdeman's solution of the chairman assignment problem.

use turgo_machine::mutant;

use super::{Client, Interleave, Roster};

/// Credits for one unit of weight: what rounding at a change of clients loses is a part of this.
const UNIT: i64 = 1 << 16;

/// The fairest of all: the union of `k` states elects a chairman every year, such that at any time each has had its share but for less than one.
///
/// Tijdeman ("The chairman assignment problem", Discrete Mathematics 32, 1980): with `d = 2k - 2`, those are eligible whose lag, this turn's share included, is at least
/// `1/d`; of them is taken whose lag would be first beyond `1 - 1/d` if it were left out from now on. Then no lag is ever beyond `1 - 1/d` in either direction (F1), and
/// for some weights no method does better. It is the earliest deadline first, held back by eligibility.
///
/// Lags are kept as integers in units of `1 / (total weight * 2^16)` picks, so nothing drifts. Their sum is zero before each pick. Across changes of clients (F4) a lag
/// never goes below -1, as only the eligible are taken, and so never reaches `k - 1`.
#[derive(Debug, Clone, Default)]
pub struct Chairman {
    /// With the lag of each.
    pub(super) roster: Roster<i64>,
}

impl Chairman {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Credits that a pick costs.
    fn whole(&self) -> i64 {
        i64::try_from(self.roster.total).expect("weights of 2^12 clients fit 44 bits") * UNIT
    }

    /// Carries lags, in picks, over to another total weight and lets their sum be zero again (F4).
    fn rescale(&mut self, before: i64) {
        let (after, members) = (self.whole(), &mut self.roster.members);
        if before == 0 || after == 0 {
            members.iter_mut().for_each(|member| member.state = 0);
            return;
        }
        for member in members.iter_mut() {
            member.state = scaled(member.state, after, before);
        }
        let excess: i64 = members.iter().map(|member| member.state).sum();
        if mutant!("F4 who leaves takes turns along") {
            return;
        }
        // Those that are on the side of the excess give it up, each in proportion to what it has; so nobody changes sides.
        let is_side = |lag: i64| lag.signum() == excess.signum();
        let side: i64 = members.iter().map(|m| m.state).filter(|&lag| is_side(lag)).sum();
        if side == 0 {
            return;
        }
        let mut rest = excess;
        for member in members.iter_mut().filter(|member| is_side(member.state)) {
            let part = scaled(member.state, excess, side);
            member.state -= part;
            rest -= part;
        }
        // What rounding left is less than a unit for each member.
        for member in members.iter_mut() {
            let step = rest.signum();
            member.state -= step;
            rest -= step;
        }
        debug_assert_eq!(members.iter().map(|member| member.state).sum::<i64>(), 0, "F4");
    }

    /// The member whose turn it is, after this turn's shares have been added.
    fn elect(&self, whole: i64) -> Option<usize> {
        let members = &self.roster.members;
        let d = (2 * members.len() as i128 - 2).max(1);
        // In units of a d-th credit: how far a lag may go, and from where on it is eligible.
        let (limit, eligible) = ((d - 1) * i128::from(whole), i128::from(whole));
        let slack = |at: usize| limit - d * i128::from(members[at].state);
        let is_eligible = |at: &usize| {
            d * i128::from(members[*at].state) >= eligible || mutant!("F1 everyone is eligible")
        };
        // Slack over weight is the time that is left: compared crosswise, nothing is rounded.
        let sooner = |a: usize, b: usize| {
            let (a_weight, b_weight) =
                (i128::from(members[a].weight), i128::from(members[b].weight));
            let is_sooner = slack(b) * a_weight < slack(a) * b_weight;
            if is_sooner != mutant!("F1 the latest deadline first") { b } else { a }
        };
        (0..members.len()).filter(is_eligible).reduce(sooner)
    }
}

impl Interleave for Chairman {
    fn add(&mut self, weight: u32) -> Client {
        let before = self.whole();
        let client = self.roster.add(weight, 0);
        self.rescale(before);
        client
    }

    fn remove(&mut self, client: Client) -> bool {
        let before = self.whole();
        let was_there = self.roster.remove(client).is_some();
        if was_there {
            self.rescale(before);
        }
        was_there
    }

    fn pick(&mut self) -> Option<Client> {
        let whole = self.whole();
        for member in &mut self.roster.members {
            member.state += i64::from(member.weight) * UNIT;
        }
        // Lags sum up to a whole pick now, so the largest is at least a k-th of it, which is eligible for k of 2 or more.
        let elected = self.elect(whole)?;
        let member = &mut self.roster.members[elected];
        member.state -= whole;
        Some(member.client)
    }

    fn clients(&self) -> Vec<(Client, u32)> {
        self.roster.clients()
    }

    fn lag_max(&self, _picks: u64) -> Option<f64> {
        let k = self.roster.members.len() as f64;
        Some(if k < 2.0 { 0.0 } else { 1.0 - 1.0 / (2.0 * k - 2.0) })
    }

    fn gap_max(&self, share: f64) -> Option<u64> {
        // After a pick its lag is at least -b, before the next at most b, and it grows by the share.
        let b = self.lag_max(0)?;
        Some(1 + (2.0 * b / share).floor() as u64)
    }
}

/// `value * numerator / denominator`, rounded towards zero.
fn scaled(value: i64, numerator: i64, denominator: i64) -> i64 {
    let scaled = i128::from(value) * i128::from(numerator) / i128::from(denominator);
    i64::try_from(scaled).expect("a lag is a few picks")
}
