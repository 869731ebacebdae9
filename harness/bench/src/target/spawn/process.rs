//! A server's process: started, waited for, and gone whatever happens.
//!
//! ```text
//!  the cell ends, fails or panics   dropped: killed and waited for
//!  SIGINT, SIGTERM                  the program calls [`abandon`]
//!  SIGKILL, a crash                 the kernel kills it with the thread that started it
//! ```
//!
//! What it prints goes to a file in its folder, whose end is part of the error where it fails.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::remote::{Address, Dialogue, Spoken};

/// How long a server may take until it answers.
const STARTUP_MAX: Duration = Duration::from_secs(15);
/// How often it is asked meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// How many lines of its output an error shows.
const LINES_SHOWN: usize = 12;
/// The file that its output goes to.
const OUTPUT: &str = "output.txt";

/// Servers that run, and their folders.
static RUNNING: Mutex<Vec<(u32, PathBuf)>> = Mutex::new(Vec::new());

/// Kills every server that runs and removes what it left: for a program that was told to end.
pub fn abandon() {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    for (pid, folder) in running.drain(..) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // It may have ended by itself, and the folder may be gone: nothing is left to do then.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// A server's process.
pub(super) struct Process {
    child: Child,
    folder: PathBuf,
}

impl Process {
    /// Starts `program` in `folder`, on `cpus`; it hears that it is called `name`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(
        name: &str,
        program: &Path,
        arguments: &[String],
        folder: &Path,
        cpus: &[usize],
    ) -> Result<Process, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let output = File::create(folder.join(OUTPUT)).map_err(failed)?;
        let mut command = Command::new(program);
        command
            .arg0(name)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output);
        // Held over the start, so that whoever abandons them all sees this one.
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let child = seawall_sys::child::spawn(&mut command, cpus).map_err(failed)?;
        running.push((child.id(), folder.to_owned()));
        Ok(Process {
            child,
            folder: folder.to_owned(),
        })
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
            match answer {
                Ok(_) => return Ok(()),
                Err(why) if begin.elapsed() > STARTUP_MAX => {
                    let seconds = STARTUP_MAX.as_secs();
                    return Err(format!("no answer within {seconds} s of its start: {why}"));
                }
                Err(_) => std::thread::sleep(LOOK),
            }
        }
    }

    /// How it ended, where it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        Some(status.to_string())
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
        let whole = match std::fs::write(&kept, &output) {
            Ok(()) => format!("all of its output is in {}", kept.display()),
            Err(error) => format!("{}: {error}", kept.display()),
        };
        let last = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n  ");
        format!("{why}; {whole}; it said last:\n  {last}")
    }

    fn output(&self) -> String {
        let bytes = std::fs::read(self.folder.join(OUTPUT)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends it and waits until it is gone.
    pub(super) fn end(&mut self) {
        // Nothing is lost: what it holds is of this cell alone. Where it has ended already, both calls
        // say so, and that is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let pid = self.pid();
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|(other, _)| *other != pid);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
