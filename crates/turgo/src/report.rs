//! What is said on standard error when something goes wrong.

use std::io::IsTerminal;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use turgo_engine::EngineError;
use turgo_sql::SqlError;

/// Columns of text shown; of longer lines, the part around the place at fault.
const WIDTH: usize = 120;

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

    /// A file cannot be made, or written to its end.
    pub(crate) fn cannot_write(path: &Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot write {}: {error}", path.display()))
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

    /// The process was told to end, and nothing was running.
    pub(crate) fn told_to_end() -> Self {
        Self { text: "turgo: told to end".into(), code: crate::interrupt::INTERRUPTED }
    }

    /// An error of a statement of the script `name`, whose `text` begins at line `line`.
    pub(crate) fn sql(name: &str, line: usize, text: &str, error: &SqlError) -> Self {
        Self { text: render(name, line, text, error, colors()), code: 1 }
    }

    /// An argument of the command line, `text`, with the place at fault.
    pub(crate) fn argument(name: &str, text: &str, error: &SqlError) -> Self {
        Self { text: render(name, 1, text, error, colors()), code: 2 }
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

/// Whether messages have colours: on a terminal, unless the user wants none.
fn colors() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}

fn render(name: &str, line: usize, text: &str, error: &SqlError, color: bool) -> String {
    let Some(span) = &error.span else {
        let help = error.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        return format!("error: {}{help}", error.message);
    };
    let place = Snippet::source(text)
        .path(name)
        .line_start(line)
        .annotation(AnnotationKind::Primary.span(span.clone()));
    let report: Group<'_> = Level::ERROR.primary_title(&error.message).element(place);
    let report = match &error.help {
        Some(help) => report.element(Level::HELP.message(help)),
        None => report,
    };
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(WIDTH).render(&[report])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_line_and_its_remedy() {
        let text = "SELECT 1;\nSELECT pirce FROM bid";
        let error =
            SqlError::new("there is no column `pirce`").at(17..22).help("did you mean `price`?");
        let shown = render("q.sql", 1, text, &error, false);
        assert!(shown.contains("there is no column `pirce`"), "{shown}");
        assert!(shown.contains("q.sql:2:8"), "{shown}");
        assert!(shown.contains("did you mean `price`?"), "{shown}");
    }

    #[test]
    fn of_a_long_line_the_part_at_fault_is_shown() {
        let text = format!("SELECT {}, pirce, {} FROM bid", "a, b".repeat(200), "c, d".repeat(200));
        let at = text.find("pirce").unwrap();
        let error = SqlError::new("there is no column `pirce`").at(at..at + 5);
        let shown = render("q.sql", 1, &text, &error, false);
        assert!(shown.contains("^^^^^"), "{shown}");
        assert!(shown.contains(&format!("q.sql:1:{}", at + 1)), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= WIDTH + 20), "{shown}");
    }
}
