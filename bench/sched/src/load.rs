//! Other programs that want the processors.

use std::io::Read;
use std::process::{Child, Command, Stdio};

/// Processes that are busy until this is dropped.
pub struct Load(Vec<Child>);

impl Load {
    /// So many processes of this program.
    pub fn start(processes: usize) -> std::io::Result<Self> {
        let program = std::env::current_exe()?;
        let start = |_| Command::new(&program).arg(BURN).stdin(Stdio::piped()).spawn();
        (0..processes).map(start).collect::<Result<_, _>>().map(Self)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It ends when its input does; that it has ended already is no harm.
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

/// The argument of a process that is a load.
pub const BURN: &str = "--burn";

/// Is busy until the standard input ends, as it does if the parent dies.
pub fn burn() {
    let input = std::thread::Builder::new().name("input".into());
    let input = input.spawn(|| std::io::stdin().read_to_end(&mut Vec::new())).expect("a thread");
    while !input.is_finished() {
        std::hint::spin_loop();
    }
}
