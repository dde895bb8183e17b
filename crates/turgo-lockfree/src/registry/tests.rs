//! Records of several threads and of several domains.

#[cfg(not(any(loom, shuttle)))]
mod domains;
#[cfg(loom)]
mod loom;
