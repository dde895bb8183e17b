//! NDJSON against `serde_json`.

use std::sync::{Arc, LazyLock};

use turgo_engine::io::Source;

use crate::decode::{Expected, Text, source};
use crate::reference::object;

static SOURCE: LazyLock<Arc<dyn Source>> = LazyLock::new(|| source(&[("format", "json")]));

/// Any bytes are lines, and are read as the reference reads them.
pub fn json(data: &[u8]) {
    let mut expected = Vec::new();
    let mut ends = Vec::new();
    let mut at = 0;
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let raw = line.strip_suffix(b"\n").unwrap_or(line);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if !raw.trim_ascii().is_empty() {
            expected.push(Expected { at, raw, cells: object(raw) });
        }
        at += line.len();
        ends.push(at);
    }
    let text = Text { header: b"", records: data, ends };
    text.check(SOURCE.as_ref(), &expected);
}
