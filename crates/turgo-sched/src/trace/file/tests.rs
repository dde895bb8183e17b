//! What is written is read; what is anything else is refused, and nothing panics.

use std::io::{self, BufRead, BufReader, Read};

use turgo_machine::topology::{NodeId, Topology};

use crate::dag::{Profile, Shape};
use crate::layout::{NodeIndex, WorkerId};
use crate::policy::{Order, Place, Priority, Standard};
use crate::random::Random;
use crate::resources::Lane;
use crate::sim::{Simulation, Workload};
use crate::trace::{Choice, Decision, FileError, Got, RecordedRun, Recording, fingerprint};

const WORKERS: u32 = 3;

fn write(run: &RecordedRun) -> Vec<u8> {
    let mut file = Vec::new();
    run.write(&mut file).expect("memory takes it");
    file
}

fn read(mut file: &[u8]) -> Result<RecordedRun, FileError> {
    RecordedRun::read(&mut file)
}

/// A number of any size.
fn any(random: &mut Random) -> u64 {
    u64::from(random.below(u32::MAX)) << random.below(16) >> random.below(32)
}

fn profile(random: &mut Random) -> Profile {
    const NAMES: [&str; 7] = [
        "",
        "leaf",
        "a \"b\" \\n",
        "two\r\nlines\n",
        " name \"x\"",
        "ünïcödé \u{85}\u{2028}\0",
        "\\",
    ];
    let mut profile = Profile::default();
    let mut is_said = || random.below(2) == 0;
    let said: [bool; 7] = std::array::from_fn(|_| is_said());
    if said[0] {
        profile.name = Some(NAMES[random.below(7) as usize].into());
    }
    if said[1] {
        profile.home = Some(NodeId(random.below(4)));
    }
    for lane in Lane::ALL.into_iter().filter(|_| said[2]) {
        profile.need = profile.need.with(lane, random.below(1_000) as f32 / 7.0);
    }
    if said[3] {
        profile.priority = [Priority::Background, Priority::High][random.below(2) as usize];
    }
    if said[4] {
        profile.deadline_ns = any(random);
    }
    if said[5] {
        (profile.cost_ns, profile.bytes) = (any(random), any(random));
    }
    if said[6] {
        profile.tenant = any(random) as u32;
    }
    profile
}

fn choices(random: &mut Random) -> (Choice, Choice) {
    let orders = [Order::Newest, Order::Oldest, Order::Deadline];
    let order = orders[random.below(3) as usize];
    let place = [
        Place::Here,
        Place::Worker(WorkerId(any(random) as u32)),
        Place::Node(NodeIndex(any(random) as u32)),
    ][random.below(3) as usize];
    let victim = WorkerId(random.below(WORKERS));
    let got = [Got::Own, Got::Next, Got::Outside, Got::Stolen(victim)][random.below(4) as usize];
    (Choice::Put(place, order), Choice::Run(got))
}

/// A run that may have been.
fn run(seed: u64) -> RecordedRun {
    let random = &mut Random::new(seed, 0);
    let tasks = random.below(12);
    let profiles = (0..tasks).map(|_| profile(random)).collect();
    let mut edges = Vec::new();
    for to in 1..tasks {
        edges.extend((0..random.below(3)).map(|_| (random.below(to), to)));
    }
    let shape = Shape::new(profiles, &edges).expect("no cycle");
    let mut decisions = Vec::new();
    for task in 0..tasks {
        let ((put, run), worker) = (choices(random), WorkerId(random.below(WORKERS)));
        decisions.extend((random.below(2) == 0).then_some(Decision { worker, task, choice: put }));
        decisions.push(Decision { worker, task, choice: run });
    }
    let machine = ["1x3", "2x2", "3x1,ring"][random.below(3) as usize].to_owned();
    let (graph, makespan_ns) = (fingerprint(&shape), any(random));
    let recording = Recording { graph, workers: WORKERS, machine, makespan_ns, decisions };
    RecordedRun { shape, is_measured: random.below(2) == 0, recording }
}

fn replay(run: &RecordedRun) {
    let machine = Topology::simulate(&run.recording.machine).expect("a machine");
    let workers = run.recording.workers as usize;
    let policy = Standard::default();
    let simulation = Simulation::new(&machine, workers, &policy);
    let workload = Workload::new("read", run.shape.clone());
    if let Ok(outcome) = simulation.replay(&workload, &run.recording) {
        assert_eq!(outcome.tasks as usize, run.shape.len());
    }
}

#[test]
fn what_was_written_is_read() {
    for seed in 0..500 {
        let run = run(seed);
        let file = write(&run);
        let read = read(&file).expect("H1: it is a recording");
        assert_eq!(read, run, "H1: {}", String::from_utf8_lossy(&file));
        replay(&read);
    }
}

#[test]
fn it_looks_as_it_is_described() {
    let task = |cost_ns| Profile { cost_ns, ..Profile::default() };
    let leaf = Profile {
        home: Some(NodeId(1)),
        name: Some("a \"leaf\"".into()),
        need: crate::resources::Resources::NONE.with(Lane::Cpu, 0.5),
        priority: Priority::High,
        ..task(7)
    };
    let shape = Shape::new(vec![task(5), leaf], &[(0, 1)]).expect("no cycle");
    let run_by =
        |worker, task, got| Decision { worker: WorkerId(worker), task, choice: Choice::Run(got) };
    let put = Choice::Put(Place::Node(NodeIndex(1)), Order::Oldest);
    let decisions = vec![
        run_by(0, 0, Got::Outside),
        Decision { worker: WorkerId(0), task: 1, choice: put },
        run_by(1, 1, Got::Stolen(WorkerId(0))),
    ];
    let graph = fingerprint(&shape);
    let machine = "2x1".to_owned();
    let recording = Recording { graph, workers: 2, machine, makespan_ns: 4_711, decisions };
    let file = write(&RecordedRun { shape, is_measured: true, recording });
    let expected = format!(
        "turgo recording 1\nmachine 2x1\nworkers 2\nmakespan_ns 4711\ncosts measured\ngraph {graph:016x}\ntasks 2\ntask cost 5\n\
         task cost 7 home 1 priority high need cpu 0.5 name \"a \\\"leaf\\\"\"\nedges 1\nedge 0 1\ndecisions 3\n0 run 0 outside\n\
         0 put 1 node 1 oldest\n1 run 1 stolen 0\nend\n"
    );
    assert_eq!(String::from_utf8(file).expect("text"), expected);
    // Ends of lines as another system writes them, fields in another order, and more spaces than need be.
    let other = expected.replace('\n', "\r\n").replace("cost 7 home 1", "home 1   cost 7");
    assert_eq!(read(other.as_bytes()).expect("the same"), read(expected.as_bytes()).expect("it"));
}

#[test]
fn what_the_book_shows_is_a_recording() {
    let book = include_str!("../../../../../docs/book/scheduling.md");
    let from = book.find("turgo recording 1\n").expect("it shows one");
    let whole = book[from..].split_inclusive("\nend\n").next().expect("it has an end");
    let run = read(whole.as_bytes()).expect("H1: it is a recording");
    assert_eq!((run.shape.len(), write(&run)), (2, whole.as_bytes().to_vec()));
}

#[test]
fn what_was_cut_off_is_refused() {
    for seed in 0..20 {
        let file = write(&run(seed));
        for length in 0..file.len() {
            let error = read(&file[..length]).expect_err("H2: it is not whole");
            let lines = file[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
            assert!((lines..=lines + 1).contains(&error.line()), "{error}, of {lines}");
        }
    }
}

/// A byte, a number, a word or a line is another one, or gone.
fn mutated(file: &[u8], random: &mut Random) -> Vec<u8> {
    const WORDS: [&str; 14] = [
        "0",
        "1",
        "-1",
        "+1",
        "4294967295",
        "18446744073709551615",
        "18446744073709551616",
        "nan",
        "inf",
        "1e39",
        "\"",
        "name \"x\"",
        "\u{fffd}",
        "",
    ];
    let mut file = file.to_vec();
    let at = random.below(file.len() as u32) as usize;
    match random.below(6) {
        0 => file[at] = random.below(256) as u8,
        1 => drop(file.remove(at)),
        2 => file.insert(at, b" \n\"\\0\0"[random.below(6) as usize]),
        kind => {
            let text = String::from_utf8_lossy(&file).into_owned();
            let separator = if kind == 3 { ' ' } else { '\n' };
            let mut parts: Vec<&str> = text.split(separator).collect();
            let (one, other) = (
                random.below(parts.len() as u32) as usize,
                random.below(parts.len() as u32) as usize,
            );
            match kind {
                3 => parts[one] = WORDS[random.below(14) as usize],
                4 => parts.swap(one, other),
                _ => parts[one] = parts[other],
            }
            file = parts.join(&separator.to_string()).into_bytes();
        }
    }
    file
}

#[test]
fn whatever_a_file_says_nothing_panics() {
    let (mut read_whole, mut refused) = (0, 0);
    for seed in 0..4_000 {
        let random = &mut Random::new(seed, 1);
        let mut file = write(&run(seed % 100));
        for _ in 0..=random.below(3) {
            file = mutated(&file, random);
        }
        match read(&file) {
            Ok(run) => {
                read_whole += 1;
                assert_eq!(read(&write(&run)).expect("H1"), run, "H1");
                replay(&run);
            }
            Err(error) => {
                refused += 1;
                assert!(error.line() > 0 && !error.remedy().is_empty(), "{error}");
            }
        }
    }
    assert!(read_whole > 100 && refused > 1_000, "{read_whole} and {refused}: both are tested");
}

/// Where a change of this file is found, and how.
fn refusal(change: impl FnOnce(&str) -> String) -> (u64, String) {
    let file = "turgo recording 1\nmachine 1x2\nworkers 2\nmakespan_ns 9\ncosts declared\ngraph GRAPH\ntasks 2\ntask cost 5\ntask\nedges 1\nedge 0 1\n\
        decisions 2\n0 run 0 own\n1 run 1 next\nend\n";
    let shape = Shape::new(vec![Profile::default(); 2], &[(0, 1)]).expect("no cycle");
    let file = file.replace("GRAPH", &format!("{:016x}", fingerprint(&shape)));
    read(file.as_bytes()).expect("it is a recording");
    let error = read(change(&file).as_bytes()).expect_err("it is refused");
    (error.line(), error.to_string())
}

#[test]
fn who_is_refused_hears_where_and_what_would_do() {
    let cases: [(&str, &str, u64, &str); 17] = [
        ("recording 1", "recording 2", 1, "record the run anew"),
        ("1x2", "1y2", 2, "is no shape of a machine"),
        ("workers 2", "workers 65537", 3, "more than 65536 workers"),
        ("span_ns 9", "span_ns +9", 4, "no makespan"),
        ("declared", "guessed", 5, "write measured or declared"),
        ("tasks 2", "tasks 2097153", 7, "more than 2097152 tasks"),
        ("cost 5", "cost 5 cost 5", 8, "`cost` twice"),
        ("cost 5", "cots 5", 8, "no field `cots`: fields are cost, home"),
        ("cost 5", "need cpu -1", 8, "amount of at least 0"),
        ("cost 5", "name \"a", 8, "in quotes"),
        ("edge 0 1", "edge 1 1", 11, "edges lead back to task 1"),
        ("edge 0 1", "edge 0 2", 11, "write two tasks that are there"),
        ("edge 0 1", "edge 1 0", 11, "tasks and edges are those of"),
        ("decisions 2", "decisions 5", 12, "more than 4 decisions"),
        ("1 run 1 next", "2 run 1 next", 14, "no decision"),
        ("1 run 1 next", "1 run 0 next", 15, "nobody runs task 1"),
        ("end\n", "end\n\n", 16, "something comes after the end"),
    ];
    for (what, other, line, how) in cases {
        let (at, error) = refusal(|file| file.replacen(what, other, 1));
        assert!(at == line && error.contains(how), "H2: {other}: {error}");
    }
}

#[test]
fn sums_that_a_replay_could_not_take_are_refused() {
    let cost = u64::MAX / 2 + 1;
    let (at, error) = refusal(|file| {
        let costly = file.replace("task cost 5", &format!("task cost {cost}"));
        costly.replace("\ntask\n", &format!("\ntask cost {cost}\n"))
    });
    assert!(at == 8 && error.contains("two years"), "H3: {error}");
    let bytes = |file: &str| file.replace("cost 5", "bytes 18014398509481985");
    assert_eq!(refusal(bytes).0, 8, "H3");
    let long = "x".repeat(5_000);
    let named = |file: &str| file.replace("cost 5", &format!("name \"{long}\""));
    assert_eq!(refusal(named).0, 8, "H3");
    // Nor are they written.
    let shape = |profile| Shape::new(vec![profile], &[]).expect("no cycle");
    let whole = run(1);
    for profile in [
        Profile { cost_ns: cost, ..Profile::default() },
        Profile { name: Some(long.as_str().into()), ..Profile::default() },
    ] {
        let run = RecordedRun { shape: shape(profile), ..whole.clone() };
        let mut file = Vec::new();
        let error = run.write(&mut file).expect_err("H3");
        assert_eq!((error.kind(), file.len()), (io::ErrorKind::InvalidInput, 0), "H3");
    }
}

/// A file that goes on and on: what is read of it is counted.
struct Endless<'a> {
    before: &'a [u8],
    again: &'a [u8],
    at: usize,
    read: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        for byte in &mut *to {
            let at = self.at;
            *byte = match at.checked_sub(self.before.len()) {
                None => self.before[at],
                Some(at) => self.again[at % self.again.len()],
            };
            self.at += 1;
        }
        self.read += to.len();
        Ok(to.len())
    }
}

#[test]
fn a_file_without_end_is_read_up_to_the_limits() {
    let header = "turgo recording 1\nmachine 1x2\nworkers 2\nmakespan_ns 9\ncosts declared\ngraph 0000000000000000\ntasks 3\n";
    for (before, again, line) in
        [("", "x", 1), (header, "task\n", 11), (header, "task name \"\"\n", 11), (header, "y", 8)]
    {
        let (before, again) = (before.as_bytes(), again.as_bytes());
        let mut file = BufReader::new(Endless { before, again, at: 0, read: 0 });
        let error = RecordedRun::read(&mut file).expect_err("H3: it does not end");
        assert_eq!(error.line(), line, "{error}");
        assert!(file.get_ref().read < 1 << 17, "H3: {} bytes", file.get_ref().read);
    }
}

/// A disk that fails.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("on purpose"))
    }
}

impl BufRead for Broken {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Err(io::Error::other("on purpose"))
    }

    fn consume(&mut self, _: usize) {}
}

#[test]
fn what_cannot_be_read_says_why() {
    let error = RecordedRun::read(&mut Broken).expect_err("it cannot be read");
    assert!(error.to_string().contains("on purpose"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}
