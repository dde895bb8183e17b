//! Files compressed with gzip and zstd, whole, joined, cut off and damaged.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use arrow::datatypes::{DataType, SchemaRef};
use flate2::write::GzEncoder;
use turgo_connectors::connectors;
use turgo_engine::Result;
use turgo_engine::io::{Block, Source};

use crate::{Content, columns, read_from, table};

fn schema() -> SchemaRef {
    columns(&[("a", DataType::Int64), ("b", DataType::Utf8)])
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap()
}

/// A frame of zstd that readers pass over.
fn skippable(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x53, 0x2a, 0x4d, 0x18];
    frame.extend((content.len() as u32).to_le_bytes());
    frame.extend(content);
    frame
}

type Pack = fn(&[u8]) -> Vec<u8>;
const PACKERS: [(&str, Pack); 2] = [("gz", gzip), ("zst", zstd)];

fn lines(rows: usize) -> String {
    (0..rows).map(|row| format!("{{\"a\":{row},\"b\":\"row {row}\"}}\n")).collect()
}

fn read(path: &Path, options: &[(&str, &str)]) -> Result<Content> {
    let source = connectors().source(&table(path, &schema(), options)).unwrap();
    read_from(source.as_ref(), &[0, 1], 0, 100, 7).map(|(content, _)| content)
}

fn source(path: &Path) -> std::sync::Arc<dyn Source> {
    let source = connectors().source(&table(path, &schema(), &[])).unwrap();
    source.partitions().unwrap();
    source
}

#[test]
fn a_compressed_file_reads_as_what_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let (json, csv) = (lines(500), "\u{feff}a,b\n1,\"x\ny\"\n2,\n");
    for (name, text) in [("t.ndjson", json.as_str()), ("t.csv", csv)] {
        let plain = directory.path().join(name);
        fs::write(&plain, text).unwrap();
        let expected = read(&plain, &[]).unwrap();
        for (extension, pack) in PACKERS {
            let path = directory.path().join(format!("{name}.{extension}"));
            fs::write(&path, pack(text.as_bytes())).unwrap();
            assert_eq!(read(&path, &[]).unwrap(), expected, "{name}.{extension}");
            let halves = text.as_bytes().split_at(text.len() / 2);
            fs::write(&path, [pack(halves.0), pack(b""), pack(halves.1)].concat()).unwrap();
            assert_eq!(read(&path, &[]).unwrap(), expected, "streams in {name}.{extension}");
        }
        let joined = [skippable(b"note"), zstd(text.as_bytes()), skippable(b""), zstd(b"")];
        let path = directory.path().join(format!("{name}.ZST"));
        fs::write(&path, joined.concat()).unwrap();
        assert_eq!(read(&path, &[]).unwrap(), expected, "skippable frames");
        let named = directory.path().join("no-extension");
        let format = name.split_once('.').unwrap().1;
        fs::write(&named, zstd(text.as_bytes())).unwrap();
        let content = read(&named, &[("format", format), ("compression", "zstd")]);
        assert_eq!(content.unwrap(), expected);
    }
}

#[test]
fn a_position_is_an_offset_of_the_content() {
    let directory = tempfile::tempdir().unwrap();
    let text = lines(300);
    for (extension, pack) in PACKERS {
        let path = directory.path().join(format!("t.json.{extension}"));
        fs::write(&path, pack(text.as_bytes())).unwrap();
        let source = source(&path);
        let (whole, ends) = read_from(source.as_ref(), &[0], 0, 333, 1000).unwrap();
        assert_eq!(ends.last(), Some(&(text.len() as u64)));
        for end in ends {
            let (rest, _) = read_from(source.as_ref(), &[0], end, 1 << 20, 1000).unwrap();
            let before = whole.starts.iter().filter(|start| **start < end).count();
            assert_eq!(rest.starts, whole.starts[before..]);
            assert_eq!(rest.rows, whole.rows.slice(before, rest.starts.len()));
        }
        let place = source.place(0, whole.starts[120]);
        assert!(place.ends_with(&format!("t.json.{extension}:121")), "{place}");
        let beyond = source.open(0, text.len() as u64 + 1).err().unwrap();
        assert!(beyond.to_string().contains("has become shorter"), "{beyond}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_or_has_all_rows_before_the_cut() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (lines(3), "{\"a\":7,\"b\":null}\n");
    for (extension, pack) in PACKERS {
        let parts = [pack(first.as_bytes()), pack(second.as_bytes())];
        let whole = parts.concat();
        let path = directory.path().join(format!("t.json.{extension}"));
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            match read(&path, &[]) {
                Ok(content) => {
                    // Where one stream ends, nothing shows that another one followed.
                    let rows = content.rows.num_rows();
                    let complete = [(parts[0].len(), 3), (whole.len(), 4)];
                    assert!(complete.contains(&(length, rows)), "{extension}: {rows} at {length}");
                }
                Err(error) => {
                    assert_eq!(error.code(), "external", "{length}");
                    let said = error.to_string();
                    assert!(said.contains("cannot read") && said.contains("t.json"), "{said}");
                    assert!(
                        ["so it is cut off", "it is empty", "it is not a"]
                            .iter()
                            .any(|part| said.contains(part)),
                        "{extension} at {length}: {said}"
                    );
                }
            }
        }
        let note = [skippable(b"a note of some length"), zstd(first.as_bytes())].concat();
        for length in 1..note.len() {
            fs::write(directory.path().join("s.json.zst"), &note[..length]).unwrap();
            match read(&directory.path().join("s.json.zst"), &[]) {
                Ok(content) => assert_eq!((length, content.rows.num_rows()), (29, 0)),
                Err(error) => assert_eq!(error.code(), "external"),
            }
        }
    }
}

#[test]
fn a_damaged_file_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let schema = schema();
    for name in ["t.json.gz", "t.json.zst"] {
        let path = directory.path().join(name);
        let sink = connectors().sink(&table(&path, &schema, &[])).unwrap();
        let mut writer = sink.writer(&schema, false).unwrap();
        writer.write(Block::Bytes(lines(50).into_bytes())).unwrap();
        writer.commit().unwrap();
        let good = fs::read(&path).unwrap();
        let expected = read(&path, &[]).unwrap();
        assert_eq!(expected.rows.num_rows(), 50);
        for at in 4..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            fs::write(&path, &bad).unwrap();
            match read(&path, &[]) {
                // The header of gzip has a time and a system that mean nothing here.
                Ok(content) => assert_eq!(content, expected, "{name}, byte {at}"),
                Err(error) => assert_eq!(error.code(), "external", "{error}"),
            }
        }
        fs::write(&path, [&good[..], b"not compressed"].concat()).unwrap();
        let error = read(&path, &[]).unwrap_err().to_string();
        assert!(error.contains("data are damaged"), "{error}");
    }
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_named_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let text = lines(2);
    let said = |name: &str, bytes: &[u8], options: &[(&str, &str)]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        read(&path, options).map(|_| ()).unwrap_err().to_string()
    };
    for (name, bytes, options, expected) in [
        ("t.json.gz", text.as_bytes(), &[][..], "it is not a gzip file; if it is plain text"),
        ("t.json.gz", &zstd(b"x"), &[], "it is not a gzip file but one of zstd; say"),
        ("t.json.zst", &gzip(b"x"), &[], "say 'compression' = 'gzip'"),
        ("t.json.zst", b"", &[], "it is empty, which no zstd file is"),
        ("t.json", &gzip(b"x"), &[], "it is compressed; say 'compression' = 'gzip'"),
        ("t.json.gz", &gzip(b"x"), &[("compression", "none")], "it is compressed"),
    ] {
        let error = said(name, bytes, options);
        assert!(error.contains(expected) && error.contains(name), "{error}");
    }
    fs::write(directory.path().join("t.json.gz"), &text).unwrap();
    let plain = read(&directory.path().join("t.json.gz"), &[("compression", "none")]);
    assert_eq!(plain.unwrap().rows.num_rows(), 2);
}

#[test]
fn what_was_read_is_counted_in_bytes_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    for (extension, pack) in PACKERS {
        let path = directory.path().join(format!("t.json.{extension}"));
        // Three buffers of a file that does not get much smaller.
        let random: String = (0..200_000u64)
            .map(|i| format!("{{\"a\":{}}}\n", i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1))
            .collect();
        fs::write(&path, pack(random.as_bytes())).unwrap();
        let source = source(&path);
        let size = source.partitions().unwrap()[0].bytes.unwrap();
        assert_eq!(size, fs::metadata(&path).unwrap().len());
        let mut reader = source.open(0, 0).unwrap();
        let mut counts = Vec::new();
        while reader.next(1 << 20).unwrap().is_some() {
            counts.push(reader.bytes_read().unwrap());
        }
        assert!(counts.is_sorted() && counts[0] < size / 2, "{counts:?} of {size}");
        assert_eq!(counts.last(), Some(&size));
    }
}

#[test]
fn appending_adds_a_stream() {
    let directory = tempfile::tempdir().unwrap();
    let schema = schema();
    for name in ["t.csv.gz", "t.csv.zst"] {
        let path = directory.path().join(name);
        let append = |text: &str| -> Result<()> {
            let options = [("write-mode", "append")];
            let sink = connectors().sink(&table(&path, &schema, &options)).unwrap();
            let mut writer = sink.writer(&schema, false)?;
            writer.write(Block::Bytes(text.into()))?;
            writer.commit()
        };
        append("1,x\n").unwrap();
        let before = fs::read(&path).unwrap();
        append("2,y").unwrap();
        append("3,z\n").unwrap();
        assert!(fs::read(&path).unwrap().starts_with(&before));
        let content = read(&path, &[]).unwrap();
        assert_eq!((content.rows.num_rows(), content.rejected.len()), (3, 0));
        let pack = if name.ends_with("gz") { gzip } else { zstd };
        fs::write(&path, pack(b"other\n1\n")).unwrap();
        let error = append("2,y\n").unwrap_err().to_string();
        assert!(error.contains("does not start with the header a,b"), "{error}");
        fs::write(&path, &before[..before.len() - 3]).unwrap();
        let error = append("2,y\n").unwrap_err().to_string();
        assert!(error.contains("so it is cut off"), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn small_and_large_blocks_keep_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let schema = schema();
    let large = lines(5000);
    for (extension, pack) in PACKERS {
        let path = directory.path().join(format!("t.json.{extension}"));
        let sink = connectors().sink(&table(&path, &schema, &[])).unwrap();
        let mut writer = sink.writer(&schema, false).unwrap();
        let small = "{\"a\":-1,\"b\":\"small\"}\n";
        for block in [small.into(), pack(large.as_bytes()), small.into()] {
            writer.write(Block::Bytes(block)).unwrap();
            writer.flush().unwrap();
        }
        assert!(!path.exists());
        writer.commit().unwrap();
        let mut text = String::new();
        let packed = fs::read(&path).unwrap();
        match extension {
            "gz" => flate2::read::MultiGzDecoder::new(&packed[..]).read_to_string(&mut text),
            _ => zstd::Decoder::new(&packed[..]).unwrap().read_to_string(&mut text),
        }
        .unwrap();
        assert_eq!(text, format!("{small}{large}{small}"));
        // No rows are a compressed file of no rows.
        sink.writer(&schema, false).unwrap().commit().unwrap();
        assert_eq!(read(&path, &[]).unwrap().rows.num_rows(), 0);
    }
}
