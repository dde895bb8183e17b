//! Keys, by number, so that they can be replaced.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::error::TokenError;

/// What keys for tokens are derived under, so that the same secret may serve something else.
const CONTEXT: &str = "turgo-capability 2026-11-21 tokens version 1";

/// A secret of 32 bytes. It is wiped when it is dropped, and never shown.
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes a secret over, and wipes where it was.
    pub fn take(bytes: &mut [u8; 32]) -> Self {
        let secret = Self(*bytes);
        bytes.zeroize();
        secret
    }

    /// A new one, by the system's generator.
    ///
    /// # Errors
    ///
    /// [`TokenError::Random`] where the system has none.
    pub fn generate() -> Result<Self, TokenError> {
        let mut secret = Self([0; 32]);
        getrandom::fill(&mut secret.0).map_err(|_| TokenError::Random)?;
        Ok(secret)
    }

    /// The key that tags are computed with.
    fn key(&self) -> Key {
        Key(blake3::derive_key(CONTEXT, &self.0))
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A key for tags: a service's, or a tag itself.
#[derive(Clone)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of_tag(tag: &[u8; 32]) -> Self {
        Self(*tag)
    }

    /// The tag of some bytes (K1), as the key of the next block's.
    pub(super) fn tag(&self, bytes: &[u8]) -> Self {
        let mut hash = blake3::keyed_hash(&self.0, bytes);
        let tag = Self(*hash.as_bytes());
        hash.zeroize();
        tag
    }

    /// Whether this is the tag. In constant time (K6).
    pub(super) fn is(&self, tag: &[u8; 32]) -> bool {
        let mut ours = blake3::Hash::from_bytes(self.0);
        let same = ours == *tag;
        ours.zeroize();
        same
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the block that this is the tag of is remembered by: says nothing of the tag.
    pub(super) fn name(&self) -> [u8; 16] {
        let hash = blake3::keyed_hash(&self.0, b"name");
        let (name, _) = hash.as_bytes().split_at(16);
        name.try_into().expect("16 of 32 bytes")
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

/// Keys by number: tokens are issued with the newest and verified with all.
pub struct Keys {
    newest: u32,
    /// Each in a place of its own: a list that grows or closes a gap leaves a copy behind, which nobody wipes (K6).
    keys: Vec<(u32, Box<Key>)>,
}

impl Keys {
    /// One key under a number, which every token names.
    #[must_use]
    pub fn new(number: u32, secret: &Secret) -> Self {
        Self { newest: number, keys: vec![(number, Box::new(secret.key()))] }
    }

    /// Adds a key, with which tokens are issued from now on. Those of the older ones stay good.
    ///
    /// # Errors
    ///
    /// [`TokenError::KnownKey`] where there is one of this number.
    pub fn rotate(&mut self, number: u32, secret: &Secret) -> Result<(), TokenError> {
        if self.find(number).is_some() {
            return Err(TokenError::KnownKey(number));
        }
        self.keys.push((number, Box::new(secret.key())));
        self.newest = number;
        Ok(())
    }

    /// Forgets a key: its tokens are good for nothing any more. Whether it was known; the newest is not forgotten.
    pub fn retire(&mut self, number: u32) -> bool {
        let before = self.keys.len();
        self.keys.retain(|(known, _)| *known != number || *known == self.newest);
        self.keys.len() < before
    }

    pub(super) fn newest(&self) -> (u32, &Key) {
        (self.newest, self.find(self.newest).expect("it is never forgotten"))
    }

    pub(super) fn find(&self, number: u32) -> Option<&Key> {
        self.keys.iter().find(|(known, _)| *known == number).map(|(_, key)| &**key)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<u32> = self.keys.iter().map(|(number, _)| *number).collect();
        f.debug_struct("Keys").field("newest", &self.newest).field("numbers", &numbers).finish()
    }
}
