//! The operator's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    match taffrail_operator::cli::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
