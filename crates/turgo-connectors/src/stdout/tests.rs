//! What a reader of standard output sees.

use std::fs::OpenOptions;
use std::sync::{Arc, Mutex};

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field};
use turgo_engine::message::{Batch, Change};
use turgo_engine::time::WATERMARK_NONE;

use super::*;

/// Memory to write to that can be looked at meanwhile.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
    ]))
}

fn batch(rows: &[(Option<i64>, Option<&str>)]) -> Batch {
    let ids = rows.iter().map(|row| row.0).collect::<Int64Array>();
    let names = rows.iter().map(|row| row.1).collect::<StringArray>();
    let rows = RecordBatch::try_new(schema(), vec![Arc::new(ids), Arc::new(names)]).unwrap();
    Batch::derived(rows, WATERMARK_NONE)
}

/// Writes `batches` with a flush after each and returns what is seen after each and at the end.
fn seen(format: Format, changes: bool, batches: &[Batch]) -> Vec<String> {
    let screen = Screen::default();
    let mut encoder = StdoutSink::new(format).encoder(&schema(), changes).unwrap();
    let mut writer = Box::new(Shown::start(screen.clone(), format, &schema(), changes).unwrap());
    let mut seen = Vec::new();
    for batch in batches {
        writer.write(encoder.encode(batch).unwrap()).unwrap();
        writer.flush().unwrap();
        seen.push(screen.text());
    }
    WriteBlocks::commit(writer).unwrap();
    seen.push(screen.text());
    seen
}

#[test]
fn a_table_grows_as_rows_come() {
    let first = batch(&[(Some(1), Some("a\nb")), (Some(-20), None)]);
    let wide = batch(&[(Some(1_000_000), Some("zürich"))]);
    let seen = seen(Format::Table, false, &[first, wide]);
    let begun = "+-----+------+
|  id | name |
+-----+------+
|   1 | a\\nb |
| -20 | NULL |
";
    assert_eq!(seen[0], begun);
    let end = "+---------+--------+
| 1000000 | zürich |
+---------+--------+
";
    assert_eq!(seen[2], format!("{begun}{end}"));
}

#[test]
fn an_empty_result_still_has_its_frame() {
    assert_eq!(seen(Format::Table, false, &[]), ["+----+------+\n| id | name |\n+----+------+\n"]);
    assert_eq!(seen(Format::Json, false, &[]), ["[]\n"]);
    assert_eq!(seen(Format::Ndjson, false, &[]), [""]);
    assert_eq!(seen(Format::Csv, false, &[]), ["id,name\n"]);
}

#[test]
fn a_json_array_is_json() {
    let rows = batch(&[(Some(1), Some("a\nb")), (None, Some("\"\\"))]);
    let seen = seen(Format::Json, false, &[rows.clone(), rows]);
    let value: serde_json::Value = serde_json::from_str(seen.last().unwrap()).unwrap();
    let one = serde_json::json!([{"id": 1, "name": "a\nb"}, {"id": null, "name": "\"\\"}]);
    assert_eq!(value[0], one[0]);
    assert_eq!(value[3], one[1]);
    assert_eq!(value.as_array().unwrap().len(), 4);
}

#[test]
fn changelogs_show_their_operation_first() {
    let mut rows = batch(&[(Some(1), Some("a")), (Some(1), Some("b"))]);
    rows.changes = Some(Arc::from([Change::UpdateBefore, Change::UpdateAfter]));
    let last = |format| seen(format, true, std::slice::from_ref(&rows)).pop().unwrap();
    assert_eq!(last(Format::Csv), "op,id,name\n-U,1,a\n+U,1,b\n");
    assert_eq!(
        last(Format::Ndjson),
        "{\"op\":\"-U\",\"id\":1,\"name\":\"a\"}\n{\"op\":\"+U\",\"id\":1,\"name\":\"b\"}\n"
    );
    assert!(last(Format::Table).contains("| op | id | name |"));
    let clash = Arc::new(Schema::new(vec![Field::new("op", DataType::Int64, true)]));
    let error = StdoutSink::new(Format::Ndjson).encoder(&clash, true).err().unwrap();
    assert_eq!(error.code(), "unsupported");
}

#[test]
fn a_closed_pipe_is_not_an_error_of_the_query_and_a_full_disk_is() {
    let (reader, pipe) = io::pipe().unwrap();
    drop(reader);
    let mut closed = Box::new(Shown::start(pipe, Format::Ndjson, &schema(), false).unwrap());
    closed.write(Block::Bytes(b"{}\n".to_vec())).unwrap();
    assert!(matches!(closed.flush(), Err(EngineError::Closed)));

    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut full = Box::new(Shown::start(full, Format::Csv, &schema(), false).unwrap());
    let error = full.flush().unwrap_err();
    assert!(error.to_string().contains("cannot write to standard output: No space"), "{error}");
}
