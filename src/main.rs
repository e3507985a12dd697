use std::process::ExitCode;

fn main() -> ExitCode {
    mcpgw::run(std::env::args_os())
}
