//! How the program ends: four exit statuses, and one message for each that is not 0.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use seawall_sim::RunError;

/// What a verb returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why the program ends with a status other than 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Status 1: the work itself failed.
    Work(String),
    /// Status 2: the command line or a file was wrong; says where, and what is accepted.
    Usage(String),
    /// Status 3: a comparison or a claim fell short.
    Short(String),
    /// Status 0: whoever read standard output has seen enough and closed it.
    Closed,
}

impl Failure {
    /// The work failed.
    pub(crate) fn work(why: impl Display) -> Failure {
        Failure::Work(why.to_string())
    }

    /// The command line or a file was wrong.
    pub(crate) fn usage(why: impl Display) -> Failure {
        Failure::Usage(why.to_string())
    }

    /// Standard output could not be written.
    pub(crate) fn output(error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::Closed
        } else {
            Failure::Work(format!("standard output: {error}"))
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        Failure::usage(error)
    }
}

/// Says what went wrong, if anything, and gives the status.
pub(crate) fn exit(outcome: Outcome) -> ExitCode {
    let (status, message) = match outcome {
        Ok(()) | Err(Failure::Closed) => return ExitCode::SUCCESS,
        Err(Failure::Work(message)) => (1, message),
        Err(Failure::Usage(message)) => (2, message),
        Err(Failure::Short(message)) => (3, message),
    };
    crate::output::complain(&format!("error: {message}"));
    ExitCode::from(status)
}
