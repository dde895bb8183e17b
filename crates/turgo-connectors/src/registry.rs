//! The connectors of this program, by name.

use std::sync::Arc;

use turgo_engine::io::{
    Connectors, OptionError, Sink, Source, TableSpec, not_inferred, option_names,
};

use crate::{blackhole, datagen, filesystem, nexmark, option, print, scenario};

const NAMES: [&str; 6] = ["filesystem", "nexmark", "scenario", "datagen", "print", "blackhole"];

/// All connectors.
pub fn connectors() -> Arc<dyn Connectors> {
    Arc::new(Registry)
}

#[derive(Debug)]
struct Registry;

#[derive(Debug, Clone, Copy)]
enum Kind {
    Filesystem,
    Nexmark,
    Scenario,
    Datagen,
    Print,
    Blackhole,
}

impl Kind {
    fn by_name(name: &str) -> Option<Self> {
        match name {
            "filesystem" => Some(Self::Filesystem),
            "nexmark" => Some(Self::Nexmark),
            "scenario" => Some(Self::Scenario),
            "datagen" => Some(Self::Datagen),
            "print" => Some(Self::Print),
            "blackhole" => Some(Self::Blackhole),
            _ => None,
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Filesystem => filesystem::OPTIONS,
            Self::Nexmark => nexmark::OPTIONS,
            Self::Scenario => scenario::OPTIONS,
            Self::Datagen => datagen::OPTIONS,
            Self::Print => print::OPTIONS,
            Self::Blackhole => blackhole::OPTIONS,
        }
    }

    /// The connector of `table`, whose option names are all known to it.
    fn of(table: &TableSpec) -> Result<Self, OptionError> {
        let all = || format!("the connectors are {}", NAMES.join(", "));
        let name = table.options.get("connector").ok_or_else(|| OptionError {
            key: None,
            message: format!("table `{}` has no 'connector'", table.name),
            help: Some(all()),
        })?;
        let kind = Self::by_name(name).ok_or_else(|| OptionError {
            key: Some("connector".into()),
            message: format!("there is no connector '{name}'"),
            help: Some(match option::nearest(name, &NAMES) {
                Some(near) => format!("did you mean '{near}'?"),
                None => all(),
            }),
        })?;
        let known = option_names(kind.options(), &table.schema);
        let Some(key) = table.options.keys().find(|key| !known.contains(key)) else {
            return Ok(kind);
        };
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        Err(OptionError {
            key: Some(key.clone()),
            message: format!("connector '{name}' has no option '{key}'"),
            help: Some(match option::nearest(key, &names) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("its options are {}", kind.options().join(", ")),
            }),
        })
    }
}

impl Connectors for Registry {
    fn names(&self) -> Vec<&'static str> {
        NAMES.to_vec()
    }

    fn options(&self, name: &str) -> Option<&'static [&'static str]> {
        Kind::by_name(name).map(Kind::options)
    }

    fn check(&self, table: &TableSpec) -> Result<(), OptionError> {
        match Kind::of(table)? {
            Kind::Filesystem => filesystem::check(table),
            Kind::Nexmark => nexmark::check(table),
            Kind::Scenario => scenario::check(table),
            Kind::Datagen => datagen::check(table),
            Kind::Print => print::check(table),
            Kind::Blackhole => Ok(()),
        }
    }

    fn infer(&self, table: &TableSpec, rows: usize) -> Result<TableSpec, OptionError> {
        match Kind::of(table)? {
            Kind::Filesystem => filesystem::infer(table, rows),
            _ => Err(not_inferred(table)),
        }
    }

    fn source(&self, table: &TableSpec) -> Result<Arc<dyn Source>, OptionError> {
        match Kind::of(table)? {
            Kind::Filesystem => filesystem::source(table),
            Kind::Nexmark => nexmark::source(table),
            Kind::Scenario => scenario::source(table),
            Kind::Datagen => datagen::source(table),
            Kind::Print => Err(write_only("print")),
            Kind::Blackhole => Err(write_only("blackhole")),
        }
    }

    fn sink(&self, table: &TableSpec) -> Result<Arc<dyn Sink>, OptionError> {
        match Kind::of(table)? {
            Kind::Filesystem => filesystem::sink(table),
            Kind::Nexmark => Err(read_only("nexmark")),
            Kind::Scenario => Err(read_only("scenario")),
            Kind::Datagen => Err(read_only("datagen")),
            Kind::Print => print::sink(table),
            Kind::Blackhole => Ok(blackhole::sink()),
        }
    }
}

fn write_only(connector: &str) -> OptionError {
    OptionError {
        key: Some("connector".into()),
        message: format!("it can only be written: its connector is '{connector}'"),
        help: Some("read from a table with 'connector' = 'filesystem'".into()),
    }
}

fn read_only(connector: &str) -> OptionError {
    OptionError {
        key: Some("connector".into()),
        message: format!("it can only be read: its connector is '{connector}'"),
        help: Some("write to a table with 'connector' = 'filesystem'".into()),
    }
}
