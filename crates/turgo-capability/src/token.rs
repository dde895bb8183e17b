//! Capabilities as text: what a client shows when it comes, and what it is given for it.
//!
//! A token says what it is good for, and carries a tag that only the holder of a key could compute. A service verifies it once, at the door, and
//! [exchanges](Exchange::exchange) it for a handle; from then on checks cost what checks of handles cost, and a revocation of the handle ends it at once.
//! Whoever holds a token can narrow it without asking anybody, and pass the narrower one on.
//!
//! The chain of tags is that of macaroons (Birgisson et al., NDSS 2014), with keyed BLAKE3 for HMAC.
//!
//! ```text
//! version u8 = 1 | key u32 | id 16 bytes | tenant u64 | blocks u8 | of each: length u16, terms | tag 32 bytes    in base64url
//! tag 0 = MAC(key, all up to and including block 0), tag n = MAC(tag n-1, block n); only the last one is in the token
//! ```
//!
//! # Invariants
//!
//! - **K1** Each block is authenticated with the tag of all before it as the key. So nobody makes a token without the key, changes a byte of one, or takes a
//!   block off; and whoever holds a token can add a block.
//! - **K2** A block only narrows: it becomes a capability below that of the block before, which bounds it as any parent does.
//! - **K3** Nothing of a token is interpreted before its tag was found right, but for lengths, which are limited: of the text, of each block, of their number.
//! - **K4** Every token ends. It is refused once its time has come by the wall clock, and so is the capability by the table's.
//! - **K5** A token is exchanged for one capability, however often it is shown, and for none after that was revoked. Otherwise its budget would be
//!   there as often as it is shown, and revoking would be of no use.
//!   What has ended may be forgotten; a wall clock that is set back afterwards does not bring it back, unless it is set back over a restart.
//! - **K6** Keys, tags and texts are wiped from memory when they are dropped, compared in constant time, and shown by no `Debug` and no error.

mod chain;
mod error;
mod exchange;
mod keys;
mod terms;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

pub use chain::{Token, TokenText};
pub use error::TokenError;
pub use exchange::Exchange;
pub use keys::{Keys, Secret};
pub use terms::Terms;
