//! Reading a recording. The format: [the module above](super).

use std::io::{BufRead, Read};
use std::str::SplitAsciiWhitespace;

use turgo_machine::mutant;
use turgo_machine::topology::{NodeId, Spec};

use super::super::{Choice, Decision, Got, RecordedRun, Recording, fingerprint};
use super::write::lane_name;
use super::{EDGES_MAX, FileError, LINE_BYTES_MAX, Sums, TASKS_MAX, VERSION};
use crate::dag::{Profile, Shape};
use crate::layout::{NodeIndex, WorkerId, small};
use crate::policy::{Order, Place, Priority};
use crate::resources::Lane;

const REWRITE: &str = "write the file anew with RecordedRun::write";
const VERSIONS: &str = "this program reads `turgo recording 1`; record the run anew";
const NUMBER: &str = "write digits, not more than fit";
const TASK: &str =
    "fields are cost, home, bytes, tenant, deadline, priority, need and name, each once";
const NAME: &str = "a name is the last field, in quotes, with \\\", \\\\, \\n and \\r";
const NEED: &str = "needs are a lane and an amount of at least 0, such as `need cpu 0.5`";
const DECISION: &str = "decisions are `WORKER run TASK own|next|outside|stolen WORKER` or `WORKER put TASK here|worker WORKER|node NODE newest|oldest|deadline`";
const LIMITS: &str = "there can be 2,097,152 tasks, 16 million edges and 65,536 workers";

impl RecordedRun {
    /// Reads what [`write`](Self::write) has written, line by line, up to the end of the input. Takes time linear in it, and memory for what it holds: see the limits there.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is in another format or version, ends too early or too late, holds another graph than it says, has a task that nobody runs, or more of anything than
    /// there may be. The error says which line, and what would do.
    pub fn read(from: &mut impl BufRead) -> Result<Self, FileError> {
        let mut lines = Lines { from, bytes: Vec::new(), number: 0 };
        lines.next_line()?;
        let version = lines.text()?.strip_prefix("turgo recording ");
        if version != Some(VERSION) {
            return Err(lines.wrong("no recording of version 1", VERSIONS));
        }
        let machine = lines.value("machine")?.to_owned();
        if let Err(error) = machine.parse::<Spec>() {
            return Err(lines.wrong(error.to_string(), REWRITE));
        }
        let workers = lines.count("workers", 1 << 16)?;
        let makespan_ns = lines.value("makespan_ns").map(decimal)?;
        let makespan_ns = makespan_ns.ok_or_else(|| lines.wrong("no makespan", NUMBER))?;
        let is_measured = match lines.value("costs")? {
            "measured" => true,
            "declared" => false,
            _ => return Err(lines.wrong("costs of another kind", "write measured or declared")),
        };
        let graph = lines.value("graph")?;
        let graph = (graph.len() == 16).then(|| u64::from_str_radix(graph, 16).ok()).flatten();
        let graph = graph.ok_or_else(|| lines.wrong("no fingerprint", REWRITE))?;
        let shape = lines.shape()?;
        if fingerprint(&shape) != graph && !mutant!("H2 any graph will do") {
            let message = format!(
                "tasks and edges are those of {:016x}, not {graph:016x}",
                fingerprint(&shape)
            );
            return Err(lines.wrong(message, REWRITE));
        }
        let decisions = lines.decisions(shape.len(), workers)?;
        let recording =
            Recording { graph, workers: small(workers), machine, makespan_ns, decisions };
        lines.end(&recording, small(shape.len()))?;
        Ok(Self { shape, is_measured, recording })
    }
}

/// The input, and the line that is looked at.
struct Lines<'a, R> {
    from: &'a mut R,
    bytes: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<'_, R> {
    fn wrong(&self, message: impl Into<String>, remedy: &'static str) -> FileError {
        FileError::new(self.number, message, remedy)
    }

    /// What there is up to the end of the next line, but no more than so many bytes (H3).
    fn read_line(&mut self, bytes_max: usize) -> Result<(), FileError> {
        self.bytes.clear();
        self.number += 1;
        let mut limited = self.from.by_ref().take(bytes_max as u64);
        if let Err(error) = limited.read_until(b'\n', &mut self.bytes) {
            let wrong = self.wrong(format!("cannot be read: {error}"), "look after the input");
            return Err(FileError { source: Some(error), ..wrong });
        }
        Ok(())
    }

    /// Goes on to the next line, which must be there as a whole (H2).
    fn next_line(&mut self) -> Result<(), FileError> {
        // With its end a line may have one byte more.
        self.read_line(LINE_BYTES_MAX + 1)?;
        if self.bytes.pop_if(|byte| *byte == b'\n').is_none() {
            let is_long = self.bytes.len() > LINE_BYTES_MAX;
            let what = if is_long { "more than 32 KiB long" } else { "the file ends here" };
            if is_long || !mutant!("H2 an end is no line") || self.bytes.is_empty() {
                return Err(self.wrong(what, REWRITE));
            }
        }
        self.bytes.pop_if(|byte| *byte == b'\r');
        Ok(())
    }

    fn text(&self) -> Result<&str, FileError> {
        str::from_utf8(&self.bytes).map_err(|_| self.wrong("not UTF-8", REWRITE))
    }

    /// The rest of the next line, which begins with this word.
    fn value(&mut self, word: &str) -> Result<&str, FileError> {
        self.next_line()?;
        let value = self.text()?.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '));
        value.ok_or_else(|| self.wrong(format!("no line `{word} ...`"), REWRITE))
    }

    /// A number from 0 to `max`, in a line that begins with this word.
    fn count(&mut self, word: &str, max: usize) -> Result<usize, FileError> {
        let count = self.value(word).map(decimal)?;
        let count = count.ok_or_else(|| self.wrong(format!("no number of {word}"), NUMBER))?;
        let count = usize::try_from(count).ok().filter(|count| *count <= max);
        count.ok_or_else(|| self.wrong(format!("more than {max} {word}"), LIMITS))
    }

    fn shape(&mut self) -> Result<Shape, FileError> {
        let tasks = self.count("tasks", TASKS_MAX)?;
        let (mut profiles, mut sums) = (Vec::new(), Sums::default());
        for _ in 0..tasks {
            self.next_line()?;
            let profile = profile(self.text()?).map_err(|(what, how)| self.wrong(what, how))?;
            if let Some(what) = sums.add(&profile) {
                return Err(self.wrong(what, "record a smaller run"));
            }
            profiles.push(profile);
        }
        let edges = self.count("edges", EDGES_MAX)?;
        let mut pairs = Vec::new();
        for _ in 0..edges {
            let pair = self.value("edge").map(|pair| edge(pair, tasks))?;
            let remedy = "write two tasks that are there";
            pairs.push(pair.ok_or_else(|| self.wrong("no edge", remedy))?);
        }
        Shape::new(profiles, &pairs).map_err(|cycle| {
            let message = format!("edges lead back to task {}", cycle.path[0].0);
            self.wrong(message, "take one of them away")
        })
    }

    fn decisions(&mut self, tasks: usize, workers: usize) -> Result<Vec<Decision>, FileError> {
        // A task is put somewhere once, and run once.
        let count = self.count("decisions", 2 * tasks)?;
        let mut decisions = Vec::new();
        for _ in 0..count {
            self.next_line()?;
            let decision = decision(self.text()?, tasks, workers);
            decisions.push(decision.ok_or_else(|| self.wrong("no decision", DECISION))?);
        }
        Ok(decisions)
    }

    /// The end, and whether it is one (H2).
    fn end(&mut self, recording: &Recording, tasks: u32) -> Result<(), FileError> {
        self.next_line()?;
        if self.text()? != "end" {
            return Err(self.wrong("more decisions than it says", REWRITE));
        }
        let missing = recording.first_missing(tasks);
        if let Some(task) = missing.filter(|_| !mutant!("H2 some tasks will do")) {
            let message = format!("nobody runs task {task}");
            return Err(self.wrong(message, "record a run in which nothing fails or is cancelled"));
        }
        self.read_line(1)?;
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(self.wrong("something comes after the end", "one file is one recording"))
    }
}

/// A decimal number: digits only.
fn decimal(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

fn word<'a>(words: &mut SplitAsciiWhitespace<'a>) -> &'a str {
    words.next().unwrap_or_default()
}

fn number(words: &mut SplitAsciiWhitespace<'_>) -> Option<u32> {
    u32::try_from(decimal(word(words))?).ok()
}

/// A number below a limit.
fn below(words: &mut SplitAsciiWhitespace<'_>, limit: usize) -> Option<u32> {
    number(words).filter(|number| (*number as usize) < limit)
}

fn edge(text: &str, tasks: usize) -> Option<(u32, u32)> {
    let mut words = text.split_ascii_whitespace();
    let edge = (below(&mut words, tasks)?, below(&mut words, tasks)?);
    words.next().is_none().then_some(edge)
}

fn decision(text: &str, tasks: usize, workers: usize) -> Option<Decision> {
    let words = &mut text.split_ascii_whitespace();
    let worker = WorkerId(below(words, workers)?);
    let what = word(words);
    let task = below(words, tasks)?;
    let choice = match (what, word(words)) {
        ("run", "own") => Choice::Run(Got::Own),
        ("run", "next") => Choice::Run(Got::Next),
        ("run", "outside") => Choice::Run(Got::Outside),
        ("run", "stolen") => Choice::Run(Got::Stolen(WorkerId(below(words, workers)?))),
        ("put", place) => {
            // A policy may name what is not there.
            let place = match place {
                "here" => Place::Here,
                "worker" => Place::Worker(WorkerId(number(words)?)),
                "node" => Place::Node(NodeIndex(number(words)?)),
                _ => return None,
            };
            let order = match word(words) {
                "newest" => Order::Newest,
                "oldest" => Order::Oldest,
                "deadline" => Order::Deadline,
                _ => return None,
            };
            Choice::Put(place, order)
        }
        _ => return None,
    };
    words.next().is_none().then_some(Decision { worker, task, choice })
}

/// What is wrong, and what would do.
type Wrong = (String, &'static str);

fn profile(text: &str) -> Result<Profile, Wrong> {
    let wrong = |what: &str, how| (what.to_owned(), how);
    let mut profile = Profile::default();
    // A name may hold whatever looks like a field, so it is taken off first.
    let (fields, name) = match text.split_once(" name ") {
        Some((fields, name)) => (fields, Some(name)),
        None => (text, None),
    };
    if let Some(name) = name {
        let name = unescaped(name).ok_or_else(|| wrong("no name", NAME))?;
        profile.name = Some(name.into());
    }
    let words = &mut fields.split_ascii_whitespace();
    if word(words) != "task" {
        return Err(wrong("no task", REWRITE));
    }
    let mut seen = Vec::new();
    while let Some(field) = words.next() {
        if field == "need" {
            let lane = need(words, &mut profile).ok_or_else(|| wrong("no need", NEED))?;
            seen.push(lane_name(lane));
        } else {
            set(&mut profile, field, words)?;
            seen.push(field);
        }
        let (last, before) = seen.split_last().expect("one was pushed");
        if before.contains(last) {
            return Err((format!("`{last}` twice"), TASK));
        }
    }
    Ok(profile)
}

fn set(
    profile: &mut Profile,
    field: &str,
    words: &mut SplitAsciiWhitespace<'_>,
) -> Result<(), Wrong> {
    let value = word(words);
    if field == "priority" {
        profile.priority = match value {
            "background" => Priority::Background,
            "normal" => Priority::Normal,
            "high" => Priority::High,
            _ => {
                return Err((format!("no priority `{value}`"), "write background, normal or high"));
            }
        };
        return Ok(());
    }
    let long = || decimal(value).ok_or_else(|| (format!("no number after `{field}`"), NUMBER));
    let short = || u32::try_from(long()?).map_err(|_| (format!("too large a {field}"), NUMBER));
    match field {
        "cost" => profile.cost_ns = long()?,
        "home" => profile.home = Some(NodeId(short()?)),
        "bytes" => profile.bytes = long()?,
        "tenant" => profile.tenant = short()?,
        "deadline" => profile.deadline_ns = long()?,
        _ => return Err((format!("no field `{field}`"), TASK)),
    }
    Ok(())
}

fn need(words: &mut SplitAsciiWhitespace<'_>, profile: &mut Profile) -> Option<Lane> {
    let (name, amount) = (word(words), word(words).parse::<f32>().ok()?);
    let lane = Lane::ALL.into_iter().find(|&lane| lane_name(lane) == name)?;
    let is_amount = amount.is_finite() && amount >= 0.0;
    profile.need = profile.need.with(lane, amount);
    is_amount.then_some(lane)
}

/// What is between quotes.
fn unescaped(text: &str) -> Option<String> {
    let text = text.strip_prefix('"')?.strip_suffix('"')?;
    let (mut name, mut characters) = (String::new(), text.chars());
    while let Some(character) = characters.next() {
        name.push(match character {
            '"' => return None,
            '\\' => match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                escaped @ ('"' | '\\') => escaped,
                _ => return None,
            },
            other => other,
        });
    }
    Some(name)
}
