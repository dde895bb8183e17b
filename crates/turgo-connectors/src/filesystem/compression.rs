//! Compressed files: gzip and zstd, told by their names or by an option.
//!
//! Both formats let complete streams follow each other (members of gzip, frames of zstd), and their
//! readers go through all of them. So a block of rows is compressed on its own, on whichever worker
//! encoded it, and appending to a file is adding a stream to it.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use turgo_engine::io::{Block, Encode};
use turgo_engine::message::Batch;
use turgo_engine::{EngineError, Result};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// Blocks smaller than this are left to the writer, which gathers them: a stream of its own would
/// make a few rows larger.
const BLOCK_BYTES_MIN: usize = 32 << 10;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// Not at all.
    None,
    Gzip,
    Zstd,
}

impl Compression {
    const PACKED: [Self; 2] = [Self::Gzip, Self::Zstd];

    /// What the name of a file says.
    pub(super) fn of_path(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
            "gz" | "gzip" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            _ => Self::None,
        }
    }

    /// What the first bytes of a file say.
    pub(super) fn of_content(start: &[u8]) -> Self {
        let packed = Self::PACKED.into_iter().find(|packed| packed.begins(start));
        packed.unwrap_or(Self::None)
    }

    /// Whether a stream begins with `start`, of which four bytes are enough.
    pub(super) fn begins(self, start: &[u8]) -> bool {
        match self {
            Self::None => false,
            Self::Gzip => start.starts_with(&[0x1f, 0x8b]),
            Self::Zstd => match start {
                // A frame, or one that is to be skipped.
                [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => true,
                _ => false,
            },
        }
    }

    /// Its name in `'compression' = '...'`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What it adds to the name of a file.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// Makes streams.
pub(super) enum Packer {
    Gzip,
    Zstd(Compressor<'static>),
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "Gzip",
            Self::Zstd(_) => "Zstd",
        })
    }
}

impl Packer {
    /// A packer for `compression`; `None` where nothing is compressed.
    pub(super) fn new(compression: Compression) -> Result<Option<Self>> {
        Ok(match compression {
            Compression::None => None,
            Compression::Gzip => Some(Self::Gzip),
            Compression::Zstd => {
                let packer = || -> io::Result<_> {
                    let mut packer = Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL)?;
                    // Without one, a damaged file can be read as other rows.
                    packer.set_parameter(CParameter::ChecksumFlag(true))?;
                    Ok(packer)
                };
                Some(Self::Zstd(packer().map_err(failed)?))
            }
        })
    }

    /// `bytes` as one stream.
    pub(super) fn pack(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut out = GzEncoder::new(Vec::new(), flate2::Compression::default());
                out.write_all(bytes).and_then(|()| out.finish()).map_err(failed)
            }
            Self::Zstd(packer) => packer.compress(bytes).map_err(failed),
        }
    }
}

fn failed(error: io::Error) -> EngineError {
    EngineError::external("cannot compress", error)
}

/// Compresses the blocks of an encoder that are large enough.
pub(super) struct PackedEncoder {
    encoder: Box<dyn Encode>,
    packer: Packer,
}

impl PackedEncoder {
    /// The blocks of `encoder`, compressed by `packer`.
    pub(super) fn new(encoder: Box<dyn Encode>, packer: Packer) -> Self {
        Self { encoder, packer }
    }
}

impl Encode for PackedEncoder {
    fn encode(&mut self, batch: &Batch) -> Result<Block> {
        Ok(match self.encoder.encode(batch)? {
            Block::Bytes(bytes) if bytes.len() >= BLOCK_BYTES_MIN => {
                Block::Bytes(self.packer.pack(&bytes)?)
            }
            block => block,
        })
    }
}
