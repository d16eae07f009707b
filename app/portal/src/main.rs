//! The `portal` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    app::server::cli::main()
}
