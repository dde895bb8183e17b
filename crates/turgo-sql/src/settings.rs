//! Settings of a session: `SET 'workers' = '4'`. Results depend on one of
//! them only: `sample-rows`, where the columns of a file are inferred.

use turgo_engine::run::{Config, WORKERS_MAX};

use crate::error::{Result, SqlError};
use crate::names::suggest;
use crate::statement::Name;

/// Settings and their defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How graphs are run.
    pub config: Config,
    /// `max-drift` of tables that do not say their own, in microseconds.
    pub drift_max: i64,
    /// Rows that the columns of a file are inferred from where nobody declares them.
    pub sample_rows: usize,
}

/// The largest chunk and the largest edge: a chunk is held in one piece, and memory is bounded by
/// what edges may hold.
const BYTES_MAX: usize = 1 << 30;

/// The most rows in a batch: operators hold a batch in one piece.
const BATCH_ROWS_MAX: usize = 1 << 20;

/// The largest sample: it is held in one piece.
const SAMPLE_ROWS_MAX: usize = 1_000_000;

/// Every setting: its key and what it means.
const KEYS: [(&str, &str); 6] = [
    ("workers", "worker threads, and instances of each parallel stage"),
    ("batch-rows", "most rows in a batch"),
    ("chunk-size", "bytes read from a source at a time"),
    ("edge-size", "bytes that may wait between two stages"),
    ("max-drift", "how far one partition's watermark may lead the slowest one's"),
    ("sample-rows", "rows that the columns of a file are inferred from"),
];

impl Default for Settings {
    /// The engine's defaults, a drift of five minutes, and samples of 20480 rows.
    fn default() -> Self {
        Self { config: Config::default(), drift_max: 300_000_000, sample_rows: 20_480 }
    }
}

impl Settings {
    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// When there is no such setting, or the value is not one of its values.
    pub fn set(&mut self, key: &Name, value: &Name) -> Result<()> {
        let number = |max: usize| match count(value)? {
            number if number <= max => Ok(number),
            _ => Err(wrong(key, value, &format!("it is from 1 to {max}"))),
        };
        let size = || match bytes(&value.value) {
            Ok(size) if size <= BYTES_MAX => Ok(size),
            Ok(_) => Err(wrong(key, value, &format!("it is at most {}", show_bytes(BYTES_MAX)))),
            Err(message) => Err(wrong(key, value, &message)),
        };
        match key.value.as_str() {
            "workers" => self.config.workers = number(WORKERS_MAX)?,
            "batch-rows" => self.config.batch_rows = number(BATCH_ROWS_MAX)?,
            "chunk-size" => self.config.chunk_bytes = size()?,
            "sample-rows" => self.sample_rows = number(SAMPLE_ROWS_MAX)?,
            "edge-size" => self.config.edge_bytes = size()?,
            "max-drift" => {
                self.drift_max =
                    duration(&value.value).map_err(|message| wrong(key, value, &message))?;
            }
            other => {
                let error =
                    SqlError::new(format!("there is no setting '{other}'")).at(key.span.clone());
                let keys = KEYS.iter().map(|(key, _)| *key);
                return Err(match suggest(other, keys, "the settings are") {
                    Some(help) => error.help(help),
                    None => error,
                });
            }
        }
        Ok(())
    }

    /// Key, value and meaning of every setting.
    pub fn rows(&self) -> Vec<(&'static str, String, &'static str)> {
        let value = |key: &str| match key {
            "workers" => self.config.workers.to_string(),
            "batch-rows" => self.config.batch_rows.to_string(),
            "chunk-size" => show_bytes(self.config.chunk_bytes),
            "edge-size" => show_bytes(self.config.edge_bytes),
            "sample-rows" => self.sample_rows.to_string(),
            _ => format!("{} s", self.drift_max as f64 / 1e6),
        };
        KEYS.iter().map(|(key, meaning)| (*key, value(key), *meaning)).collect()
    }
}

fn wrong(key: &Name, value: &Name, message: &str) -> SqlError {
    SqlError::new(format!("'{}' = '{}': {message}", key.value, value.value)).at(value.span.clone())
}

/// A whole number of at least 1.
fn count(value: &Name) -> Result<usize> {
    match value.value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(SqlError::new(format!("'{}' is not a whole number from 1 on", value.value))
            .at(value.span.clone())),
    }
}

/// A size such as `4 MiB`, in bytes.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = number_and_unit(text);
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        _ => return Err("a size is a number with B, KiB, MiB or GiB".into()),
    };
    let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    match size.and_then(|size| usize::try_from(size).ok()) {
        Some(size) if size > 0 => Ok(size),
        _ => Err("a size is a number with B, KiB, MiB or GiB, such as 4MiB".into()),
    }
}

/// A duration such as `5 min`, in microseconds.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn duration(text: &str) -> Result<i64, String> {
    let (number, unit) = number_and_unit(text);
    let scale = match unit.to_ascii_lowercase().as_str() {
        "us" => 1,
        "ms" | "millisecond" | "milliseconds" => 1_000,
        "s" | "sec" | "second" | "seconds" => 1_000_000,
        "m" | "min" | "minute" | "minutes" => 60_000_000,
        "h" | "hour" | "hours" => 3_600_000_000,
        "d" | "day" | "days" => 86_400_000_000,
        _ => 0,
    };
    match number.parse::<i64>().ok().and_then(|number| number.checked_mul(scale)) {
        Some(duration) if scale > 0 && duration >= 0 => Ok(duration),
        _ => Err("a duration is a number with ms, s, min, h or d, such as 5 min".into()),
    }
}

fn number_and_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..digits], text[digits..].trim())
}

fn show_bytes(size: usize) -> String {
    for (unit, scale) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if size >= scale && size.is_multiple_of(scale) {
            return format!("{} {unit}", size / scale);
        }
    }
    format!("{size} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(value: &str) -> Name {
        Name { value: value.into(), span: 0..value.len() }
    }

    #[test]
    fn values_with_units_are_read() {
        assert_eq!(bytes("4MiB"), Ok(4 << 20));
        assert_eq!(bytes("64 kib"), Ok(64 << 10));
        assert_eq!(bytes("12"), Ok(12));
        assert!(bytes("0").is_err());
        assert!(bytes("4 parsecs").is_err());
        assert!(bytes("99999999999 GiB").is_err());
        assert_eq!(duration("5 min"), Ok(300_000_000));
        assert_eq!(duration("0s"), Ok(0));
        assert!(duration("5").is_err());
    }

    #[test]
    fn an_unknown_setting_suggests_the_nearest() {
        let mut settings = Settings::default();
        let error = settings.set(&name("worker"), &name("2")).unwrap_err();
        assert_eq!(error.message, "there is no setting 'worker'");
        assert_eq!(error.help.unwrap(), "did you mean `workers`?");
        let error = settings.set(&name("workers"), &name("many")).unwrap_err();
        assert_eq!(error.message, "'many' is not a whole number from 1 on");
        settings.set(&name("workers"), &name("3")).unwrap();
        assert_eq!(settings.config.workers, 3);
    }

    #[test]
    fn a_value_that_no_machine_can_serve_is_refused() {
        let mut settings = Settings::default();
        for (key, value, said) in [
            ("edge-size", "17179869183 GiB", "it is at most 1 GiB"),
            ("chunk-size", "1073741825", "it is at most 1 GiB"),
            ("batch-rows", "1048577", "it is from 1 to 1048576"),
            ("workers", "257", "it is from 1 to 256"),
        ] {
            let error = settings.set(&name(key), &name(value)).unwrap_err();
            assert_eq!(error.message, format!("'{key}' = '{value}': {said}"));
        }
        settings.set(&name("edge-size"), &name("1 GiB")).unwrap();
        assert_eq!(settings.config.edge_bytes, 1 << 30);
    }
}
