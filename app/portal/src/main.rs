//! The program `portal`: one server of the installation with its pages.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main(app::router::router)
}
