//! The numbers of lines, for people: counted from the beginning of the file once, however many are
//! asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use turgo_engine::Result;
use turgo_engine::io::Position;

use super::compression::Compression;
use super::content::Content;

/// Distance of places whose line is remembered.
const BLOCK_BYTES: usize = 64 << 10;

/// The lines of one file.
pub(super) struct Lines {
    path: PathBuf,
    compression: Compression,
    /// Opened when the first line is asked for; with what has been read of it.
    content: Option<(Content, Position)>,
    /// The numbers of the lines that some positions lie in.
    known: BTreeMap<Position, u64>,
    /// The last answer.
    last: (Position, u64),
    block: Vec<u8>,
}

impl Lines {
    /// Those of the file at `path`.
    pub(super) fn of(path: &Path, compression: Compression) -> Self {
        let known = BTreeMap::from([(0, 1)]);
        let path = path.to_owned();
        Self { path, compression, content: None, known, last: (0, 1), block: Vec::new() }
    }

    /// The number of the line that `position` of the content lies in.
    pub(super) fn line_at(&mut self, position: Position) -> Result<u64> {
        let known = self.known.range(..=position).next_back().map(|(at, line)| (*at, *line));
        let last = Some(self.last).filter(|(at, _)| *at <= position);
        let (mut at, mut line) = known.max(last).expect("the first line starts at 0");
        let mut content = self.content_at(at)?;
        while at < position {
            let wanted = usize::try_from(position - at).unwrap_or(usize::MAX).min(BLOCK_BYTES);
            self.block.clear();
            let more = content.read(wanted, &mut self.block)?;
            line += memchr::memchr_iter(b'\n', &self.block).count() as u64;
            at += self.block.len() as u64;
            if !more {
                break;
            }
            if wanted == BLOCK_BYTES {
                self.known.insert(at, line);
            }
        }
        self.content = Some((content, at));
        self.last = (at, line);
        Ok(line)
    }

    /// The content from `at` on; reading goes on where it can.
    fn content_at(&mut self, at: Position) -> Result<Content> {
        let (mut content, read) = match self.content.take() {
            Some((content, read)) if read <= at => (content, read),
            _ => (Content::open(&self.path, self.compression)?, 0),
        };
        content.skip(at - read)?;
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_in_any_order() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("long.txt");
        let text: String = (0..60_000).map(|line| "x".repeat(line % 7) + "\n").collect();
        std::fs::write(&path, &text).unwrap();
        assert!(text.len() > 3 * BLOCK_BYTES);
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u64 + 1));
        let mut lines = Lines::of(&path, Compression::None);
        let steps = (0..60_000).step_by(7_001);
        for index in steps.clone().chain(steps.rev()).chain([3, 2, 59_999, 0, 30_000]) {
            assert_eq!(lines.line_at(starts[index]).unwrap(), index as u64 + 1);
        }
        let none = place.path().join("none");
        assert!(Lines::of(&none, Compression::None).line_at(0).is_err());
    }
}
