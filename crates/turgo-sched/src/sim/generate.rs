//! Graphs that are made up, each from a seed.

use turgo_machine::topology::NodeId;

use super::workload::Workload;
use crate::dag::{Profile, Shape};
use crate::layout::small;
use crate::random::Random;

pub(super) const KINDS: [&str; 9] =
    ["random", "tree", "bag", "wavefront", "stream", "rounds", "arrivals", "tenants", "pair"];

/// Tasks in a millisecond for each processor, where a rate is not said: it is busy for three parts of eight.
const PER_PROCESSOR_MS: u32 = 125;

/// The most tasks that are made up.
const TASKS_MAX: u32 = 1 << 24;

pub(super) fn workload(spec: &str, seed: u64) -> Option<Workload> {
    let (kind, size) = spec.split_once(':')?;
    let (tasks, parts) =
        size.split_once('/').map_or((size, None), |(tasks, parts)| (tasks, Some(parts)));
    let tasks = tasks.parse().ok()?;
    // Nodes, and processors on each: 16 if it is not said.
    let (nodes, cores) =
        parts.map_or(("0", "16"), |parts| parts.split_once('x').unwrap_or((parts, "16")));
    let (second, cores): (u32, u32) = (nodes.parse().ok()?, cores.parse().ok()?);
    let is_sound =
        (parts.is_none() || second > 0) && second <= 1 << 20 && (1..=1 << 12).contains(&cores);
    if !(1..=TASKS_MAX).contains(&tasks) || !is_sound {
        return None;
    }
    if second > 1 << 10 && kind != "arrivals" {
        return None;
    }
    let mut random = Random::new(seed, 0x5eed);
    let named = |shape| Workload::new(spec, shape);
    Some(match kind {
        "random" => named(layered(tasks, second, cores, &mut random)),
        "tree" => named(tree(tasks)),
        "bag" => named(bag(tasks, second, &mut random)),
        "wavefront" => named(wavefront(tasks)),
        "stream" => named(stream(tasks, second.max(1), cores, &mut random)),
        "rounds" => named(rounds(tasks, second, cores, &mut random)),
        // A rate, or processors that each get as much.
        "arrivals" if size.contains('x') => {
            let per_ms = PER_PROCESSOR_MS.saturating_mul(second.max(1)).saturating_mul(cores);
            arrivals(spec, tasks, per_ms, &mut random)
        }
        "arrivals" => arrivals(spec, tasks, second.max(1), &mut random),
        "tenants" => named(tenants(tasks, 3, second.max(1), &mut random)).weighted(vec![1, 2, 4]),
        "pair" => named(tenants(tasks, 2, second.max(1), &mut random)).weighted(vec![3, 1]),
        _ => return None,
    })
}

fn shape(profiles: Vec<Profile>, edges: &[(u32, u32)]) -> Shape {
    Shape::new(profiles, edges).expect("edges lead from lower to higher numbers")
}

fn plain(cost_ns: u64) -> Profile {
    Profile { cost_ns, ..Profile::default() }
}

fn home(nodes: u32, part: u32) -> Option<NodeId> {
    (nodes > 0).then(|| NodeId(part % nodes))
}

/// Costs over two orders of magnitude, more short ones than long ones.
fn uneven(random: &mut Random, low_ns: u64, high_ns: u64) -> u64 {
    let unit = random.unit();
    low_ns + ((high_ns - low_ns) as f64 * unit * unit * unit) as u64
}

/// Layers of 1 to 520 tasks, or eight for a processor of a larger machine; each task comes after three of the layers before, drawn from those that are not far.
fn layered(tasks: u32, nodes: u32, cores: u32, random: &mut Random) -> Shape {
    let mut profiles = Vec::with_capacity(tasks as usize);
    let mut edges = Vec::with_capacity(3 * tasks as usize);
    let (mut before, mut from) = (0, 0);
    let width_max = (8 * nodes * cores).max(520);
    while from < tasks {
        let width = (1 + random.below(width_max)).min(tasks - from);
        for task in from..from + width {
            let part = random.below(nodes.max(1));
            let cost = uneven(random, 200, 20_000);
            profiles.push(Profile { home: home(nodes, part), bytes: 8 * cost, ..plain(cost) });
            let window = from - before;
            for edge in 0..3u32 {
                if window == 0 {
                    break;
                }
                let mut source = before + random.below(window);
                // Nine of ten edges stay within a node, if such a task is found nearby.
                if nodes > 0 && (edge < 2 || random.below(10) > 2) {
                    let near =
                        (0..8 * nodes).map(|step| before + (source - before + step) % window);
                    let home = home(nodes, part);
                    source = near
                        .into_iter()
                        .find(|&other| profiles[other as usize].home == home)
                        .unwrap_or(source);
                }
                edges.push((source, task));
            }
        }
        before = from.saturating_sub(width / 2).max(before);
        from += width;
    }
    shape(profiles, &edges)
}

/// A fork for each inner task, a join for each fork, leaves between.
fn tree(tasks: u32) -> Shape {
    // Forks have numbers as in a heap; leaves are the last layer; joins mirror the forks.
    let leaves = (tasks / 3).max(1).next_power_of_two();
    let forks = leaves - 1;
    let mut profiles = Vec::with_capacity((2 * forks + leaves) as usize);
    let mut edges = Vec::new();
    profiles.extend((0..forks).map(|_| plain(60)));
    profiles.extend((0..leaves).map(|_| Profile { bytes: 4_096, ..plain(2_000) }));
    profiles.extend((0..forks).map(|_| plain(80)));
    let join = |fork: u32| 2 * forks + leaves - 1 - fork;
    for fork in 0..forks {
        for child in [2 * fork + 1, 2 * fork + 2] {
            edges.push((fork, child));
            let end = if child < forks { join(child) } else { child };
            edges.push((end, join(fork)));
        }
    }
    shape(profiles, &edges)
}

fn bag(tasks: u32, nodes: u32, random: &mut Random) -> Shape {
    let profiles = (0..tasks)
        .map(|task| {
            let long = random.below(64) == 0;
            let cost = if long { 50_000 } else { uneven(random, 500, 5_000) };
            Profile { home: home(nodes, task), bytes: 4 * cost, ..plain(cost) }
        })
        .collect();
    shape(profiles, &[])
}

fn wavefront(tasks: u32) -> Shape {
    let side = (f64::from(tasks).sqrt() as u32).max(1);
    let mut edges = Vec::new();
    for row in 0..side {
        for column in 0..side {
            let task = row * side + column;
            if column + 1 < side {
                edges.push((task, task + 1));
            }
            if row + 1 < side {
                edges.push((task, task + side));
            }
        }
    }
    let profile = Profile { bytes: 16_384, ..plain(5_000) };
    shape(vec![profile; (side * side) as usize], &edges)
}

/// Rounds of batches through the engine's stages. For each processor there are four sources, partial aggregates and owners; an instance goes on with its next batch when it has done the last one, and a source at most two rounds ahead of the owners of its node.
fn stream(tasks: u32, nodes: u32, cores: u32, random: &mut Random) -> Shape {
    let lanes = 4 * cores * nodes;
    let per_round = 3 * lanes;
    let rounds = (tasks / per_round).max(1);
    let mut profiles = Vec::with_capacity((rounds * per_round) as usize);
    let mut edges = Vec::new();
    for round in 0..rounds {
        let first = round * per_round;
        for (stage, cost_ns, bytes) in
            [(0, 12_000, 65_536), (1, 18_000, 65_536), (2, 6_000, 16_384)]
        {
            for lane in 0..lanes {
                let cost = cost_ns + u64::from(random.below(small(cost_ns as usize) / 4));
                profiles.push(Profile { home: home(nodes, lane), bytes, ..plain(cost) });
                let task = first + stage * lanes + lane;
                if round > 0 {
                    edges.push((task - per_round, task));
                }
                match stage {
                    0 if round > 1 => edges.push((task - 2 * per_round + 2 * lanes, task)),
                    0 => {}
                    1 => edges.push((task - lanes, task)),
                    // The exchange: states of a few partials come to each owner, of its own node and of others.
                    _ => {
                        edges.push((task - lanes, task));
                        for _ in 0..3 {
                            edges.push((first + lanes + random.below(lanes), task));
                        }
                    }
                }
            }
        }
    }
    shape(profiles, &edges)
}

/// Parallel loops with something sequential between them, round after round: a task of 30 to 60 us that everybody waits for, then four short ones for each processor that all
/// become ready at once, with homes in turn. Another such task is the end.
fn rounds(tasks: u32, nodes: u32, cores: u32, random: &mut Random) -> Shape {
    let width = 4 * cores * nodes.max(1);
    let rounds = (tasks / (width + 1)).max(1);
    let mut profiles = Vec::with_capacity((rounds * (width + 1) + 1) as usize);
    let mut edges = Vec::with_capacity(2 * (rounds * width) as usize);
    let between = |random: &mut Random| plain(30_000 + u64::from(random.below(30_000)));
    for round in 0..rounds {
        let first = round * (width + 1);
        profiles.push(between(random));
        for part in 0..width {
            let cost = 2_000 + u64::from(random.below(2_000));
            profiles.push(Profile { home: home(nodes, part), bytes: 4_096, ..plain(cost) });
            edges.push((first, first + 1 + part));
            edges.push((first + 1 + part, first + width + 1));
        }
    }
    profiles.push(between(random));
    shape(profiles, &edges)
}

/// Tasks from outside at random times (a Poisson process), so many a millisecond.
fn arrivals(spec: &str, tasks: u32, per_ms: u32, random: &mut Random) -> Workload {
    let mut at = 0.0;
    let times = (0..tasks)
        .map(|_| {
            at += -(1.0 - random.unit()).ln() * 1e6 / f64::from(per_ms);
            at as u64
        })
        .collect();
    let profiles = (0..tasks).map(|_| Profile { bytes: 1_024, ..plain(3_000) }).collect();
    Workload::new(spec, shape(profiles, &[])).arriving(times)
}

fn tenants(tasks: u32, tenants: u32, nodes: u32, random: &mut Random) -> Shape {
    let profiles = (0..tasks)
        .map(|task| {
            let (tenant, part) = (task % tenants, random.below(nodes));
            Profile { tenant, home: home(nodes, part), bytes: 4_096, ..plain(4_000) }
        })
        .collect();
    shape(profiles, &[])
}
