//! The `rowgate` binary; everything is in the library beside it.

use std::process::ExitCode;

/// A decision waits for memory more than for anything else, and a good part of each wait is the way through page tables. This
/// allocator asks for huge pages, as it is told to when it is built (`.cargo/config.toml`).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    rowgate::main()
}
