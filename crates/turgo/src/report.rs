//! What is said on standard error when something goes wrong.

use std::io::IsTerminal;

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};
use turgo_engine::EngineError;
use turgo_sql::SqlError;

/// A failure, already laid out for people, and the exit status it leads to.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// An error in a query or its data.
    pub(crate) fn new(message: impl std::fmt::Display) -> Self {
        Self { text: format!("error: {message}"), code: 1 }
    }

    /// Something about the command line itself: a script that cannot be read.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self { text: format!("error: {message}"), code: 2 }
    }

    /// A query ended because somebody asked for it.
    pub(crate) fn interrupted() -> Self {
        let text = "interrupted: results are incomplete, and files were not written".to_owned();
        Self { text, code: crate::interrupt::INTERRUPTED }
    }

    /// An error of a statement, with the place in its script.
    pub(crate) fn sql(name: &str, text: &str, error: &SqlError) -> Self {
        Self { text: render(name, text, error, std::io::stderr().is_terminal()), code: 1 }
    }

    /// Exit status.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Says it.
    pub(crate) fn print(&self) {
        say(self.text.trim_end());
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::new(error)
    }
}

/// A line on standard error. A closed one is nobody to talk to, and no reason to stop.
pub(crate) fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn render(name: &str, text: &str, error: &SqlError, color: bool) -> String {
    let Some(span) = &error.span else {
        let help = error.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        return format!("error: {}{help}", error.message);
    };
    let config = Config::default().with_index_type(IndexType::Byte).with_color(color);
    let mut report = Report::build(ReportKind::Error, (name, span.clone()))
        .with_config(config)
        .with_message(&error.message)
        .with_label(Label::new((name, span.clone())).with_color(Color::Red).with_message("here"));
    if let Some(help) = &error.help {
        report = report.with_help(help);
    }
    let mut out = Vec::new();
    match report.finish().write((name, Source::from(text)), &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => format!("error: {}", error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_line_and_its_remedy() {
        let text = "SELECT 1;\nSELECT pirce FROM bid";
        let error =
            SqlError::new("there is no column `pirce`").at(17..22).help("did you mean `price`?");
        let shown = render("q.sql", text, &error, false);
        assert!(shown.contains("there is no column `pirce`"), "{shown}");
        assert!(shown.contains("q.sql:2:8"), "{shown}");
        assert!(shown.contains("did you mean `price`?"), "{shown}");
    }
}
