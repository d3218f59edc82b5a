//! Completions and the manual page.

use clap::CommandFactory;

/// Which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints completions.
pub(crate) fn completions(args: &CompletionsArgs) {
    let mut command = crate::Cli::command();
    clap_complete::generate(args.shell, &mut command, "yunhai", &mut std::io::stdout());
}

/// Prints the manual page.
pub(crate) fn man() -> anyhow::Result<()> {
    clap_mangen::Man::new(crate::Cli::command()).render(&mut std::io::stdout())?;
    Ok(())
}
