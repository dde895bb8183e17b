//! `cargo xtask switches [--rounds N] [--group NAME] [--no-build] [--quick]`: what single things in the scheduler are worth.
//!
//! `bench/sched` is built as it is, and once for each of [`SWITCHES`], a cfg that is a constant `false` in every other build. Each build has a folder of its own in
//! `target/switches`. The programs then take turns: in each round each runs a group's cases of ours, and the one that is as it is runs a second time at the end. What
//! differs between these two is what this machine cannot tell apart. A program compares its answers with those of a sequential run and ends at a wrong one, which
//! ends the measurement.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ci::cargo;

/// What is turned off or on, one at a time.
const SWITCHES: [&str; 5] = [
    r#"turgo_without="fast_path""#,
    r#"turgo_without="batching""#,
    r#"turgo_without="alignment""#,
    r#"turgo_without="prefetch""#,
    r#"turgo_with="prefetch""#,
];

/// What the build without a switch is called.
const AS_IT_IS: &str = "as it is";

/// The groups of `bench/sched` that are run.
const GROUPS: [&str; 4] = ["graph", "spawn", "tree", "uneven"];

/// Runs of a case each time a program has its turn.
const RUNS: usize = 7;

#[derive(Debug, PartialEq, Eq)]
struct Options {
    rounds: usize,
    groups: Vec<&'static str>,
    /// Programs are there from before.
    is_built: bool,
    /// One round of programs that are not optimised: whether all build and answer right.
    is_quick: bool,
}

fn options(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
    let mut options =
        Options { rounds: 7, groups: GROUPS.to_vec(), is_built: false, is_quick: false };
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{name} takes a value"));
        match name.as_str() {
            "--no-build" => options.is_built = true,
            "--quick" => options.is_quick = true,
            "--rounds" => {
                let value = value()?;
                let rounds = value.parse().ok().filter(|&rounds| rounds > 0);
                options.rounds =
                    rounds.ok_or_else(|| format!("`{value}` is no number of rounds"))?;
            }
            "--group" => {
                let value = value()?;
                let group = GROUPS.into_iter().find(|group| *group == value);
                let unknown = || format!("`{value}` is none of {}", GROUPS.join(", "));
                options.groups = vec![group.ok_or_else(unknown)?];
            }
            _ => return Err(format!("unknown option {name}")),
        }
    }
    if options.is_quick {
        options.rounds = 1;
    }
    Ok(options)
}

/// Builds what is measured, measures it, and prints a table for each case.
pub(crate) fn run(root: &Path, arguments: impl IntoIterator<Item = String>) -> Result<(), String> {
    let options = options(arguments)?;
    let mut programs = Vec::new();
    for switch in [None].into_iter().chain(SWITCHES.map(Some)) {
        programs.push(program(root, switch, &options)?);
    }
    // The second time of the first one.
    programs.push(Program { name: format!("{AS_IT_IS}, again"), path: programs[0].path.clone() });
    if options.is_quick {
        println!("One run without optimisation: figures say nothing.");
    }
    for group in &options.groups {
        let mut cases: Vec<Case> = Vec::new();
        for _ in 0..options.rounds {
            for (index, program) in programs.iter().enumerate() {
                for figure in program.measure(group, if options.is_quick { 1 } else { RUNS })? {
                    Case::of(&mut cases, &figure.name, programs.len()).programs[index].push(figure);
                }
            }
        }
        let names: Vec<&str> = programs.iter().map(|program| &*program.name).collect();
        cases.iter().for_each(|case| print!("\n{group}, {}", case.table(&names)));
    }
    println!("\nAll answers were right.");
    Ok(())
}

/// `without fast_path`, say.
fn name(switch: Option<&str>) -> String {
    let plain =
        |switch: &str| switch.trim_start_matches("turgo_").replace('"', "").replace('=', " ");
    switch.map_or(AS_IT_IS.into(), plain)
}

/// The program of a switch, built if that is asked for.
fn program(root: &Path, switch: Option<&str>, options: &Options) -> Result<Program, String> {
    let name = name(switch);
    let folder = format!("target/switches/{}", name.replace(' ', "-"));
    let profile = if options.is_quick { "dev" } else { "release" };
    if !options.is_built {
        let args = ["build", "--locked", "--manifest-path", "bench/sched/Cargo.toml"];
        let args = [&args[..], &["--profile", profile, "--target-dir", &folder]].concat();
        let flags = switch.map_or(String::new(), |switch| format!("--cfg {switch}"));
        cargo(root, &args, &[("RUSTFLAGS", &flags)]).map_err(|error| {
            let command = args.join(" ");
            format!("no build `{name}`: {error}; it was RUSTFLAGS='{flags}' cargo {command}")
        })?;
    }
    let output = if options.is_quick { "debug" } else { "release" };
    Ok(Program { name, path: root.join(folder).join(output).join("bench-sched") })
}

/// A build of `bench/sched`.
struct Program {
    name: String,
    path: PathBuf,
}

impl Program {
    /// Runs what a group has of ours; medians of so many runs.
    fn measure(&self, group: &str, runs: usize) -> Result<Vec<Figure>, String> {
        let failed = |why: String| format!("`{}`, {group}: {why}", self.name);
        let file = self.path.with_file_name("figures.json");
        let runs = runs.to_string();
        let output = Command::new(&self.path)
            .args(["--group", group, "--only", "turgo", "--rounds", &runs, "--json"])
            .arg(&file)
            .output()
            .map_err(|error| failed(format!("cannot start {}: {error}", self.path.display())))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!("ended with {}\n{told}", output.status)));
        }
        let text = fs::read_to_string(&file);
        let text = text.map_err(|error| failed(format!("{}: {error}", file.display())))?;
        let figures = Figure::all(&text).filter(|figures| !figures.is_empty());
        figures.ok_or_else(|| failed(format!("no figures in {text}")))
    }
}

/// What a case took while a program had its turn, in nanoseconds of each operation.
#[derive(Debug, Clone, PartialEq)]
struct Figure {
    name: String,
    /// Median of the runs.
    wall: f64,
    /// Of all processors; median of the runs.
    processors: f64,
}

/// Something that is said of each figure.
type Column = (&'static str, fn(&Figure) -> f64);

const COLUMNS: [Column; 2] =
    [("wall", |figure| figure.wall), ("processors", |figure| figure.processors)];

impl Figure {
    /// All figures in what `bench/sched --json` writes.
    fn all(json: &str) -> Option<Vec<Self>> {
        json.split('{').filter(|part| part.contains("\"wall_ns\":")).map(Self::of).collect()
    }

    fn of(object: &str) -> Option<Self> {
        let name = object.split_once("\"name\":\"")?.1.split_once('"')?.0.to_owned();
        let number = |key: &str| object.split_once(key)?.1.split([',', '}']).next()?.parse().ok();
        Some(Self { name, wall: number("\"wall_ns\":")?, processors: number("\"cpu_ns\":")? })
    }
}

/// What one case took, by program and round.
struct Case {
    name: String,
    programs: Vec<Vec<Figure>>,
}

impl Case {
    /// The case of this name, which is new the first time.
    fn of<'a>(cases: &'a mut Vec<Self>, name: &str, programs: usize) -> &'a mut Self {
        let at = cases.iter().position(|case| case.name == name).unwrap_or_else(|| {
            cases.push(Self { name: name.to_owned(), programs: vec![Vec::new(); programs] });
            cases.len() - 1
        });
        &mut cases[at]
    }

    /// Medians and their shares of the first program's, and between which bounds that share of wall time was in single rounds.
    fn table(&self, names: &[&str]) -> String {
        let first = &self.programs[0];
        let mut text = format!("{}: ns, medians of {} round(s)\n{:22}", self.name, first.len(), "");
        for (head, _) in COLUMNS {
            text += &format!("{head:>11}{:>7}", "ratio");
        }
        text += &format!("{:>16}\n", "wall in rounds");
        for (name, figures) in names.iter().zip(&self.programs) {
            text += &format!("  {name:<20}");
            for (_, column) in COLUMNS {
                let took = median(figures, column);
                let share = took / median(first, column);
                text += &format!("{took:>11.1}{share:>7.2}");
            }
            let mut shares: Vec<f64> =
                figures.iter().zip(first).map(|(figure, first)| figure.wall / first.wall).collect();
            shares.sort_by(f64::total_cmp);
            let bounds = format!("{:.2} to {:.2}", shares[0], shares[shares.len() - 1]);
            text += &format!("{bounds:>16}\n");
        }
        text
    }
}

fn median(figures: &[Figure], of: impl Fn(&Figure) -> f64) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Tree, root};

    fn parsed(arguments: &[&str]) -> Result<Options, String> {
        options(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn options_are_what_was_asked_for() {
        let all = Options { rounds: 7, groups: GROUPS.to_vec(), is_built: false, is_quick: false };
        assert_eq!(parsed(&[]).as_ref(), Ok(&all));
        let some = parsed(&["--no-build", "--group", "tree", "--rounds", "3"]);
        let wanted = Options { rounds: 3, groups: vec!["tree"], is_built: true, is_quick: false };
        assert_eq!(some, Ok(wanted));
        assert_eq!(
            parsed(&["--quick", "--rounds", "5"]),
            Ok(Options { rounds: 1, is_quick: true, ..all })
        );
        for wrong in [&["--rounds"][..], &["--rounds", "0"], &["--group", "gra"], &["--fast"]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_switch_is_declared_and_turns_something() {
        let tree = Tree::read(&root()).expect("it can be read");
        let manifest = tree.text("Cargo.toml").expect("the workspace has one");
        let declared = manifest.lines().filter_map(|line| line.trim().strip_prefix("'cfg(turgo_"));
        let declared = declared.flat_map(|line| {
            let (cfg, values) = line.split_once(", values(").expect("it has values");
            let values = values.split('"').skip(1).step_by(2);
            values.map(move |value| format!("turgo_{cfg}=\"{value}\""))
        });
        let mut declared: Vec<String> = declared.collect();
        let mut known = SWITCHES.map(String::from);
        declared.sort_unstable();
        known.sort_unstable();
        assert_eq!(declared, known);
        for switch in SWITCHES {
            let asked = switch.replace('=', " = ");
            let is_asked =
                |(path, text): (&str, &str)| path.starts_with("crates/") && text.contains(&asked);
            assert!(tree.with_extension("rs").any(is_asked), "nothing asks for {switch}");
        }
    }

    #[test]
    fn figures_are_read_as_the_bench_writes_them() {
        let text = r#"{"figures":[{"cpu_ns":58.5,"group":"graph","name":"turgo graph","wall_high_ns":90.0,"wall_low_ns":50.0,"wall_ns":57.25},{"cpu_ns":1,"group":"graph","name":"turgo graph, makespan","wall_low_ns":4,"wall_ns":2e1}],"idle":[{"name":"turgo","wakeups":0}]}"#;
        let whole = Figure { name: "turgo graph".into(), wall: 57.25, processors: 58.5 };
        let span = Figure { name: "turgo graph, makespan".into(), wall: 20.0, processors: 1.0 };
        assert_eq!(Figure::all(text), Some(vec![whole, span]));
        assert_eq!(Figure::all(&text.replace("57.25", "null")), None);
    }

    #[test]
    fn a_table_has_medians_and_shares_of_the_first() {
        let mut cases = Vec::new();
        for (index, walls) in [[10.0, 90.0, 20.0], [30.0, 30.0, 30.0]].into_iter().enumerate() {
            for wall in walls {
                let figure = Figure { name: "one".into(), wall, processors: wall * 2.0 };
                Case::of(&mut cases, "one", 2).programs[index].push(figure);
            }
        }
        let table = cases[0].table(&[AS_IT_IS, &name(Some(SWITCHES[0]))]);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = table.lines().map(words).collect();
        let wanted = [
            "one: ns, medians of 3 round(s)",
            "wall ratio processors ratio wall in rounds",
            "as it is 20.0 1.00 40.0 1.00 1.00 to 1.00",
            "without fast_path 30.0 1.50 60.0 1.50 0.33 to 3.00",
        ];
        assert_eq!(lines, wanted);
        assert_eq!(cases.len(), 1);
    }

    #[test]
    fn what_fails_is_named() {
        let options = parsed(&["--quick"]).expect("it is one");
        let nowhere = std::env::temp_dir();
        let failed =
            program(&nowhere, Some(SWITCHES[1]), &options).err().expect("nothing is there");
        assert!(failed.contains("no build `without batching`"), "{failed}");
        assert!(
            failed.contains(r#"RUSTFLAGS='--cfg turgo_without="batching"' cargo build"#),
            "{failed}"
        );
        for (path, why) in [("false", "ended with"), ("is not there", "cannot start")] {
            let program = Program { name: "without batching".into(), path: path.into() };
            let failed = program.measure("tree", 1).expect_err("it has no figures");
            assert!(failed.contains(&format!("`without batching`, tree: {why}")), "{failed}");
        }
    }
}
