//! A server's process: started, waited for, and gone whatever happens.
//!
//! ```text
//!  the cell ends, fails or panics   dropped: killed and waited for
//!  SIGINT, SIGTERM, SIGHUP          the program calls [`scratch::abandon`]
//!  SIGKILL, a crash                 the kernel kills it with the thread that started it
//! ```
//!
//! What it prints goes to a file in its folder, whose end is part of the error where it fails.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::remote::{Address, Dialogue, Spoken, Survey};
use crate::target::scratch::{self, Scratch};

/// How long a server may take until it answers.
const STARTUP_MAX: Duration = Duration::from_secs(15);
/// How often it is asked meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// How many lines of its output an error shows.
const LINES_SHOWN: usize = 12;
/// The file that its output goes to.
pub(super) const OUTPUT: &str = "output.txt";

/// A server's process.
pub(super) struct Process {
    child: Child,
    /// Where it runs, and keeps its files where no other folder is mounted for them.
    scratch: Scratch,
    start: Start,
}

/// How it is started.
struct Start {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    cpus: Vec<usize>,
}

impl Process {
    /// Starts `program` in `scratch`, on `cpus`; it hears that it is called `name`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        scratch: Scratch,
        cpus: &[usize],
    ) -> Result<Process, String> {
        let start = Start {
            name,
            program: program.to_owned(),
            arguments: arguments.to_owned(),
            cpus: cpus.to_owned(),
        };
        let child = start.run(&scratch)?;
        Ok(Process {
            child,
            scratch,
            start,
        })
    }

    /// Starts it once more, where its files are and at its port, after it has ended.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub(super) fn start_again(&mut self) -> Result<(), String> {
        self.child = self.start.run(&self.scratch)?;
        Ok(())
    }

    /// The folder that it runs in.
    pub(super) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server answers at `address`.
    ///
    /// # Errors
    /// It ended, or does not answer in time; in words for people.
    pub(super) fn await_answer<W: Spoken>(&mut self, address: &Address) -> Result<(), String> {
        let begin = Instant::now();
        loop {
            let answer = Dialogue::open(address).and_then(|mut dialogue| W::survey(&mut dialogue));
            // Whoever answers at its port after it ended is another one.
            if let Some(how) = self.ended() {
                return Err(format!("the server ended before it answered ({how})"));
            }
            match answer.and_then(|survey| self.is_own(&survey, address)) {
                Ok(()) => return Ok(()),
                Err(why) if begin.elapsed() > STARTUP_MAX => {
                    let seconds = STARTUP_MAX.as_secs();
                    return Err(format!("no answer within {seconds} s of its start: {why}"));
                }
                Err(_) => std::thread::sleep(LOOK),
            }
        }
    }

    /// Whether it was this server that answered, where it says who it is. Another one may have got its port
    /// first; this one is then about to end.
    fn is_own(&self, survey: &Survey, address: &Address) -> Result<(), String> {
        match survey.pid {
            Some(pid) if pid != self.pid() => {
                Err(format!("process {pid} answers at {address} instead"))
            }
            _ => Ok(()),
        }
    }

    /// How it ended, where it does within `time`.
    pub(super) fn ended_within(&mut self, time: Duration) -> Option<String> {
        let begin = Instant::now();
        loop {
            let how = self.ended();
            if how.is_some() || begin.elapsed() >= time {
                return how;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// How it ended, where it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        Some(status.to_string())
    }

    /// What it has noted so far for its operator, as seawall does: a fallback that it took.
    pub(super) fn notes(&self) -> Vec<String> {
        let output = self.output();
        let notes = output
            .lines()
            .filter_map(|line| line.strip_prefix("note: "));
        notes.map(str::to_owned).collect()
    }

    /// Whether it ended since another process listens at its port.
    pub(super) fn lost_its_port(&mut self) -> bool {
        self.ended().is_some() && {
            let output = self.output().to_ascii_lowercase();
            output.contains("address already in use") || output.contains("address in use")
        }
    }

    /// An error with `why`, and with what the server said last. All that it said is kept in `parent`.
    pub(super) fn failed(&mut self, why: &str, parent: &Path) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        if lines.is_empty() {
            return why.to_owned();
        }
        let kept = parent.join(format!("failed-server-{}.txt", self.pid()));
        let whole = match self.scratch.keep(OUTPUT, &kept) {
            Ok(()) => format!("all of its output is in {}", kept.display()),
            Err(error) => format!("{}: {error}", kept.display()),
        };
        let last = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n  ");
        format!("{why}; {whole}; it said last:\n  {last}")
    }

    fn output(&self) -> String {
        let bytes = std::fs::read(self.scratch.path().join(OUTPUT)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends it, waits until it is gone, and removes its files.
    ///
    /// # Errors
    /// In words for people: something is left of them.
    pub(super) fn close(mut self) -> Result<(), String> {
        self.end();
        self.scratch.remove()
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    pub(super) fn end(&mut self) {
        // Where it has ended by itself, what it started may still be there, in its group.
        if let Ok(pid) = scratch::pid(self.pid()) {
            scratch::end(pid);
        }
        let _ = self.child.wait();
        self.scratch.is_quiet();
    }
}

impl Start {
    fn run(&self, scratch: &Scratch) -> Result<Child, String> {
        let path = scratch.path().join(OUTPUT);
        let file = |error: std::io::Error| format!("{}: {error}", path.display());
        let output = File::options().create(true).append(true).open(&path);
        let output = output.map_err(file)?;
        let mut command = Command::new(&self.program);
        command
            .arg0(self.name)
            .args(&self.arguments)
            .current_dir(scratch.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(file)?)
            .stderr(output);
        scratch.run(|| {
            let child = seawall_sys::child::spawn(&mut command, &self.cpus);
            let child = child.map_err(|error| format!("{}: {error}", self.program.display()))?;
            let pid = scratch::pid(child.id())?;
            Ok((child, pid))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_notes_is_heard() {
        let here = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::make(here.path()).expect("a folder");
        let says = "echo 'note: epoll instead'; echo ready; exec sleep 60";
        let arguments = ["-c".to_owned(), says.to_owned()];
        let shell = Path::new("/bin/sh");
        let process = Process::start("sh", shell, &arguments, scratch, &[]).expect("a shell");
        let begin = Instant::now();
        while !process.output().contains("ready") && begin.elapsed() < STARTUP_MAX {
            std::thread::sleep(LOOK);
        }
        assert_eq!(process.notes(), ["epoll instead"]);
        process.close().expect("nothing is left");
        assert_eq!(std::fs::read_dir(here.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn what_a_server_started_ends_with_it() {
        let here = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::make(here.path()).expect("a folder");
        let says = "sleep 60 & echo child $!; wait";
        let arguments = ["-c".to_owned(), says.to_owned()];
        let shell = Path::new("/bin/sh");
        let process = Process::start("sh", shell, &arguments, scratch, &[]).expect("a shell");
        let begin = Instant::now();
        let child = loop {
            let output = process.output();
            if let Some(number) = output.trim().strip_prefix("child ") {
                break number.to_owned();
            }
            assert!(begin.elapsed() < STARTUP_MAX, "it says who its child is");
            std::thread::sleep(LOOK);
        };
        process.close().expect("nothing is left");
        // Whoever inherits it may take a moment to bury it.
        let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        while !state().is_empty() && !state().contains(") Z ") {
            assert!(
                begin.elapsed() < STARTUP_MAX,
                "its child lives: {}",
                state()
            );
            std::thread::sleep(LOOK);
        }
    }

    #[test]
    fn a_stranger_at_its_port_is_not_taken_for_it() {
        let here = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::make(here.path()).expect("a folder");
        let arguments = ["60".to_owned()];
        let sleep = crate::target::spawn::program::in_path("sleep").expect("it is everywhere");
        let process = Process::start("sleep", &sleep, &arguments, scratch, &[]).expect("it sleeps");
        let answers = |pid| Survey {
            pid,
            ..Survey::default()
        };
        let address = Address::here(1);
        let why = process.is_own(&answers(Some(process.pid() + 1)), &address);
        assert!(why.expect_err("another").contains("instead"));
        assert_eq!(
            process.is_own(&answers(Some(process.pid())), &address),
            Ok(())
        );
        assert_eq!(
            process.is_own(&answers(None), &address),
            Ok(()),
            "it does not tell"
        );
    }
}
