//! The `syncgate` binary; see [`syncgate::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    syncgate::cli::main()
}
