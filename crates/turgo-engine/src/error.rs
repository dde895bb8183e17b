//! One error type for everything that can go wrong while a query runs, sorted by who can mend it.

use arrow::datatypes::DataType;
use datafusion_common::DataFusionError;

use crate::types::sql_type;

/// The engine's result type.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// Why a query stopped.
///
/// The variants say who is at fault, so that a program can decide what to do without reading text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A row or a value that the query cannot process: a row that does not match its schema, an
    /// overflow, a division by zero.
    #[error("{}{message}", place.as_ref().map(|p| format!("{p}: ")).unwrap_or_default())]
    Data {
        /// What is wrong with it.
        message: String,
        /// Where it stands, such as `bids.ndjson:17`, where that is known.
        place: Option<String>,
    },
    /// The outside world refused: a missing file, a full disk, a permission.
    #[error("{action}: {source}")]
    External {
        /// What was being done, with the name of the thing: `cannot read bids.ndjson`.
        action: String,
        /// What the outside world said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The reader of the results went away (`| head`). Not a failure of the query.
    #[error("the reader of the results closed its end")]
    Closed,
    /// The query asks for something that cannot be done as stated.
    #[error("{0}")]
    Unsupported(String),
    /// Our bug.
    #[error("internal error: {0}; please report it with the query")]
    Internal(String),
}

impl EngineError {
    /// A data error whose place is not known yet.
    pub fn data(message: impl Into<String>) -> Self {
        Self::Data { message: message.into(), place: None }
    }

    /// An error of the outside world.
    pub fn external(
        action: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::External { action: action.into(), source: source.into() }
    }

    /// A broken promise of our own code.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into())
    }

    /// The same error, with the place filled in where it is a data error without one.
    #[must_use]
    pub fn at(self, at: impl FnOnce() -> String) -> Self {
        match self {
            Self::Data { message, place: None } => Self::Data { message, place: Some(at()) },
            other => other,
        }
    }

    /// A stable, short name for programs: `data`, `external`, `closed`, `unsupported`, `internal`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Data { .. } => "data",
            Self::External { .. } => "external",
            Self::Closed => "closed",
            Self::Unsupported(_) => "unsupported",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<DataFusionError> for EngineError {
    /// Errors of expression kernels speak of the data they were given.
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        match root {
            DataFusionError::Internal(_) => Self::Internal(error.strip_backtrace()),
            DataFusionError::NotImplemented(message) => {
                Self::Unsupported(format!("not there yet: {message}"))
            }
            _ => Self::data(plain(&root.strip_backtrace())),
        }
    }
}

/// An error message of DataFusion or Arrow in words for users: without the names of the layers it
/// came through, and with SQL's names for types.
pub fn plain(message: &str) -> String {
    let message = bare(message);
    not_cast(message).unwrap_or_else(|| message.to_owned())
}

/// The error of a CAST, of which Arrow has two forms.
fn not_cast(message: &str) -> Option<String> {
    let (value, data_type) = match message.strip_prefix("Can't cast value ") {
        Some(rest) => rest.rsplit_once(" to type ")?,
        None => message
            .strip_prefix("Cannot cast string ")?
            .strip_suffix(" type")?
            .rsplit_once(" to value of ")?,
    };
    let data_type = data_type.parse::<DataType>().ok()?;
    Some(format!("{value} is no value of type {}", sql_type(&data_type)))
}

fn bare(message: &str) -> &str {
    const LAYERS: [&str; 7] = [
        "Execution error: ",
        "Arrow error: ",
        "External error: ",
        "Compute error: ",
        "Cast error: ",
        "Parser error: ",
        "Invalid argument error: ",
    ];
    match LAYERS.iter().find_map(|layer| message.strip_prefix(layer)) {
        Some(inner) => bare(inner),
        None => message,
    }
}

impl From<arrow::error::ArrowError> for EngineError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::from(DataFusionError::from(error))
    }
}

#[cfg(test)]
mod tests {
    use arrow::error::ArrowError;

    use super::*;

    #[test]
    fn a_message_says_nothing_of_the_layers_it_came_through() {
        let inner = DataFusionError::Execution("the root of -1".into());
        let error = EngineError::from(ArrowError::from_external_error(Box::new(inner)));
        assert_eq!(error.to_string(), "the root of -1");
        let error = EngineError::from(ArrowError::CastError("'a' is no number".into()));
        assert_eq!(error.at(|| "a.json:3".into()).to_string(), "a.json:3: 'a' is no number");
        let cast = ArrowError::CastError("Cannot cast string 'x' to value of Int32 type".into());
        assert_eq!(EngineError::from(cast).to_string(), "'x' is no value of type INT");
        let cast = ArrowError::CastError("Can't cast value 300 to type UInt8".into());
        assert_eq!(EngineError::from(cast).to_string(), "300 is no value of type TINYINT UNSIGNED");
        let error = EngineError::from(DataFusionError::NotImplemented("this".into()));
        assert_eq!(error.to_string(), "not there yet: this");
    }
}
