//! The token itself: blocks under a chain of tags.

use core::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use turgo_machine::mutant;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::error::TokenError;
use super::keys::{Key, Keys};
use super::terms::{BLOCK_MAX, Terms};
use crate::bytes::{Reader, Writer};
use crate::rights::Rights;

const VERSION: u8 = 1;
/// Characters of the text, at most.
const TEXT_MAX: usize = 4096;
/// Blocks, the issuer's included.
const BLOCKS_MAX: usize = 16;
const ID: usize = 16;
/// Version, key, id, tenant.
const HEAD: usize = 1 + 4 + ID + 8;
const TAG: usize = 32;

/// What a client holds and shows: whoever has it, may what it says. Wiped when it is dropped, and never shown by `Debug`.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use turgo_capability::{Exchange, Grant, Keys, Rights, Secret, Table, Terms, Token};
///
/// let (table, now) = (Table::default(), SystemTime::now());
/// let acme = table.mint(7, Grant::new(Rights::ALL))?;
/// let exchange = Exchange::new(Keys::new(1, &Secret::generate()?), 1_000);
///
/// // At the login: a token for an hour.
/// let terms = Terms::new().rights(Rights::READ | Rights::WRITE);
/// let text = exchange.issue(7, terms.until(now + Duration::from_secs(3_600)))?.text();
///
/// // At the client, without the service: a narrower one to pass on.
/// let narrower = Token::parse(text.expose())?.narrow(Terms::new().rights(Rights::READ))?;
///
/// // At the door: once a session. The tenant's root answers for it.
/// let tenant = |tenant| (tenant == 7).then_some(acme);
/// let reader = exchange.exchange(&table, narrower.text().expose(), now, tenant)?;
/// assert!(table.check(reader, Rights::READ).is_ok());
/// assert!(table.check(reader, Rights::WRITE).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Token {
    /// Version, key, id, tenant.
    head: [u8; HEAD],
    /// One after the other.
    blocks: Vec<Vec<u8>>,
    tag: [u8; TAG],
}

/// The text of a token. Wiped when it is dropped.
pub struct TokenText(String);

impl TokenText {
    /// The text, to send it; not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for TokenText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for TokenText {}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(..)")
    }
}

/// A token whose tag is right, block by block.
pub(super) struct Verified {
    pub(super) key: u32,
    pub(super) tenant: u64,
    /// What a block is remembered by, and what it says.
    pub(super) blocks: Vec<([u8; 16], Terms)>,
}

impl Token {
    /// A token with the newest key.
    pub(super) fn issue(keys: &Keys, tenant: u64, terms: &Terms) -> Result<Self, TokenError> {
        if terms.rights.is_none() || terms.until_s.is_none() {
            return Err(TokenError::Terms("a token says which rights it has, and until when"));
        }
        let (number, key) = keys.newest();
        let mut id = [0; ID];
        getrandom::fill(&mut id).map_err(|_| TokenError::Random)?;
        let mut out = Writer::default();
        out.u8(VERSION);
        out.u32(number);
        out.bytes.extend(id);
        out.u64(tenant);
        let head: [u8; HEAD] = out.bytes[..].try_into().expect("its parts are as long");
        let block = terms.write()?;
        let tag = first_tag(key, &head, &block);
        Ok(Self { head, blocks: vec![block], tag: *tag.as_bytes() })
    }

    /// The same with less: only what these terms allow, too (K2). Nobody needs to be asked, and whoever gets the result cannot go back.
    ///
    /// # Errors
    ///
    /// Where it was narrowed 15 times, or the terms are too long or such as tokens cannot have.
    pub fn narrow(&self, terms: Terms) -> Result<Self, TokenError> {
        if self.blocks.len() == BLOCKS_MAX {
            return Err(TokenError::TooDeep);
        }
        let block = terms.write()?;
        let tag = *Key::of_tag(&self.tag).tag(&block).as_bytes();
        let mut narrower = Self { head: self.head, blocks: self.blocks.clone(), tag };
        narrower.blocks.push(block);
        if narrower.len() > TEXT_MAX { Err(TokenError::TooLong) } else { Ok(narrower) }
    }

    /// Characters of its text.
    fn len(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|block| 2 + block.len()).sum();
        (HEAD + 1 + blocks + TAG) * 4 / 3 + 1
    }

    /// Reads a text. Only its form is looked at; an [`Exchange`](super::Exchange) says whether it is genuine.
    ///
    /// # Errors
    ///
    /// [`TokenError::Malformed`] or [`TokenError::TooLong`].
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if text.len() > TEXT_MAX {
            return Err(TokenError::TooLong);
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)?;
        let token = Self::read(&mut Reader::new(&bytes));
        bytes.zeroize();
        token
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, TokenError> {
        let head: [u8; HEAD] = from.array()?;
        let count = usize::from(from.u8()?);
        if head[0] != VERSION || !(1..=BLOCKS_MAX).contains(&count) {
            return Err(TokenError::Malformed);
        }
        let mut blocks = Vec::with_capacity(count);
        for _ in 0..count {
            let len = usize::from(from.u16()?);
            if len > BLOCK_MAX && !mutant!("K3 blocks have any length") {
                return Err(TokenError::TooLong);
            }
            blocks.push(from.take(len)?.to_vec());
        }
        let tag = from.array()?;
        if from.left() > 0 { Err(TokenError::Malformed) } else { Ok(Self { head, blocks, tag }) }
    }

    /// The text to give to a client, or to send.
    #[must_use]
    pub fn text(&self) -> TokenText {
        let mut out = Writer::default();
        out.bytes.extend(self.head);
        out.u8(u8::try_from(self.blocks.len()).expect("16 at most"));
        for block in &self.blocks {
            out.u16(u16::try_from(block.len()).expect("1024 at most"));
            out.bytes.extend(block);
        }
        out.bytes.extend(self.tag);
        let text = URL_SAFE_NO_PAD.encode(&out.bytes);
        out.bytes.zeroize();
        TokenText(text)
    }

    /// The number of the key it was made with, as it says.
    #[must_use]
    pub fn key(&self) -> u32 {
        u32::from_le_bytes(self.head[1..5].try_into().expect("four bytes"))
    }

    fn tenant(&self) -> u64 {
        u64::from_le_bytes(self.head[HEAD - 8..].try_into().expect("eight bytes"))
    }

    /// Whether it was made with one of these keys and its time has not come; then, and not before, what it says (K3).
    pub(super) fn verify(&self, keys: &Keys, now: SystemTime) -> Result<Verified, TokenError> {
        let number = self.key();
        let key = keys.find(number).ok_or(TokenError::UnknownKey(number))?;
        let mut tag = first_tag(key, &self.head, &self.blocks[0]);
        let mut names = vec![tag.name()];
        for block in &self.blocks[1..] {
            tag = tag.tag(block);
            names.push(tag.name());
        }
        if !tag.is(&self.tag) && !mutant!("K1 the tag is not compared") {
            return Err(TokenError::Forged);
        }
        let terms: Result<Vec<_>, _> = self.blocks.iter().map(|block| Terms::read(block)).collect();
        let terms = terms?;
        if terms.iter().any(|terms| terms.is_over(now)) {
            return Err(TokenError::Expired);
        }
        let blocks = names.into_iter().zip(terms).collect();
        Ok(Verified { key: number, tenant: self.tenant(), blocks })
    }
}

/// The tag of what the issuer says.
fn first_tag(key: &Key, head: &[u8; HEAD], block: &[u8]) -> Key {
    let mut bytes = head.to_vec();
    bytes.extend(block);
    key.tag(&bytes)
}

impl Drop for Token {
    fn drop(&mut self) {
        // What it says is no secret; the tag is.
        self.tag.zeroize();
    }
}

impl ZeroizeOnDrop for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if mutant!("K6 a token shows itself") {
            return write!(f, "Token({})", self.text().expose());
        }
        f.debug_struct("Token")
            .field("key", &self.key())
            .field("tenant", &self.tenant())
            .field("blocks", &self.blocks.len())
            .finish_non_exhaustive()
    }
}

const _: () = assert!(Rights::ALL.bits() == u16::MAX, "a block has sixteen bits of rights");
