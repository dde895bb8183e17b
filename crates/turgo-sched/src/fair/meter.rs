//! How fair a sequence of picks was.

use super::Client;

/// Follows the lag of clients from pick to pick, whoever makes them.
#[derive(Debug, Clone, Default)]
pub struct LagMeter {
    clients: Vec<Lagging>,
    picks: u64,
    behind_max: f64,
    ahead_max: f64,
}

#[derive(Debug, Clone)]
struct Lagging {
    client: Client,
    weight: f64,
    /// Picks it should have had.
    ideal: f64,
    had: u64,
    last: u64,
    gap_max: u64,
}

impl LagMeter {
    /// Follows these clients.
    #[must_use]
    pub fn new(clients: &[(Client, u32)]) -> Self {
        let mut meter = Self::default();
        clients.iter().for_each(|&(client, weight)| meter.add(client, weight));
        meter
    }

    /// Follows one more.
    pub fn add(&mut self, client: Client, weight: u32) {
        let weight = f64::from(weight);
        self.clients.push(Lagging {
            client,
            weight,
            ideal: 0.0,
            had: 0,
            last: self.picks,
            gap_max: 0,
        });
    }

    /// One leaves, and its lag with it.
    pub fn remove(&mut self, client: Client) {
        self.clients.retain(|lagging| lagging.client != client);
    }

    /// A pick was made. O(k).
    pub fn note(&mut self, picked: Client) {
        self.picks += 1;
        let total: f64 = self.clients.iter().map(|lagging| lagging.weight).sum();
        for lagging in &mut self.clients {
            lagging.ideal += lagging.weight / total;
            if lagging.client == picked {
                lagging.had += 1;
                lagging.gap_max = lagging.gap_max.max(self.picks - lagging.last);
                lagging.last = self.picks;
            }
            let lag = lagging.lag();
            self.behind_max = self.behind_max.max(lag);
            self.ahead_max = self.ahead_max.max(-lag);
        }
    }

    /// By how much a client was behind at the worst, in picks.
    #[must_use]
    pub fn behind_max(&self) -> f64 {
        self.behind_max
    }

    /// By how much a client was ahead at the worst, in picks.
    #[must_use]
    pub fn ahead_max(&self) -> f64 {
        self.ahead_max
    }

    /// By how much a client was behind or ahead at the worst, in picks.
    #[must_use]
    pub fn lag_max(&self) -> f64 {
        self.behind_max.max(self.ahead_max)
    }

    /// A client's lag now: what it should have had less what it had.
    #[must_use]
    pub fn lag(&self, client: Client) -> Option<f64> {
        self.clients.iter().find(|lagging| lagging.client == client).map(Lagging::lag)
    }

    /// The most picks from one of a client's to its next, the wait that goes on now included.
    #[must_use]
    pub fn gap_max(&self, client: Client) -> Option<u64> {
        let lagging = self.clients.iter().find(|lagging| lagging.client == client)?;
        Some(lagging.gap_max.max(self.picks - lagging.last))
    }
}

impl Lagging {
    fn lag(&self) -> f64 {
        self.ideal - self.had as f64
    }
}
