//! How a server ends in the midst of its load, and comes back: what it lost, and how long that took.
//!
//! ```text
//!  kill    SIGKILL                                                     started again in its folder
//!  power   its folder stops, SIGKILL    what was not synced is gone    started again on what is left
//! ```

use std::time::{Duration, Instant};

use seawall_store::disk::PowerLoss;
use serde_json::Value;

use super::process::Process;
use super::witness::{Account, Loss, Witness};
use super::{Spawned, files, held};
use crate::remote::{Dialogue, Spoken};
use crate::setting::Cache;
use crate::target::Ended;

/// How long a server may take to serve again what it kept.
const RESTART_MAX: Duration = Duration::from_mins(5);
/// How often it is asked meanwhile.
const LOOK: Duration = Duration::from_millis(1);

impl<W: Spoken> Spawned<W> {
    /// Ends the server, which `process` is, calls `gone`, and starts it again.
    ///
    /// # Errors
    /// It ended before, or does not come back; in words for people.
    pub(super) fn end_and_begin(
        &self,
        process: &mut Process,
        gone: &mut dyn FnMut(),
    ) -> Result<Ended, String> {
        if let Some(how) = process.ended() {
            return Err(format!("the server ended before it was to ({how})"));
        }
        let (at, account) = self.strike(process)?;
        gone();
        account.lasted(at)?;
        if let Some(folder) = &self.forgetful {
            process.scratch().unmount()?;
            // Nothing is left of it: less would be lost where a disk had written some of it by itself.
            folder.lose(PowerLoss::Nothing, 0);
            process.scratch().mount(folder)?;
        }
        let kept_bytes = files::kept_bytes(&self.folder);
        if self.cache == Cache::Cold {
            let forgotten = files::forget_cached(&self.folder);
            forgotten.map_err(|error| format!("its files cannot be forgotten: {error}"))?;
        }
        let begin = Instant::now();
        process.start_again()?;
        let Loss { acked, lost, age } = self.await_loss(process, &account, at)?;
        let restart = begin.elapsed();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let figures = [
            ("witness_acked", Value::from(acked)),
            ("witness_lost", Value::from(lost)),
            ("lost_ms", Value::from(ms(age))),
            ("restart_ms", Value::from(ms(restart))),
            ("disk_bytes", Value::from(kept_bytes)),
        ];
        let notes = figures.map(|(name, value)| (name.to_owned(), value));
        Ok(Ended {
            notes: notes.into_iter().collect(),
            again: Some(begin),
        })
    }

    /// Ends the server as it is to end; when, and what was acknowledged to the witness until then.
    fn strike(&self, process: &mut Process) -> Result<(Instant, Account), String> {
        let at = Instant::now();
        if let Some(folder) = &self.forgetful {
            folder.stop();
        }
        process.end();
        let witness = held(&self.witness).take();
        let mut account = witness.map_or_else(|| Ok(Account::default()), Witness::end)?;
        if self.forgetful.is_some() {
            // Power takes the whole machine: what a server said that outlived its folder was never heard.
            account.end_at(at);
        }
        Ok((at, account))
    }

    /// What the server lost of `account`, as soon as it serves again.
    fn await_loss(
        &self,
        process: &mut Process,
        account: &Account,
        at: Instant,
    ) -> Result<Loss, String> {
        let begin = Instant::now();
        loop {
            let answer = Dialogue::open(&self.address)
                .and_then(|mut dialogue| account.settle::<W>(&mut dialogue, at, self.evicts));
            if let Some(how) = process.ended() {
                return Err(format!("it ended when it was started again ({how})"));
            }
            match answer {
                Ok(loss) => return Ok(loss),
                Err(why) if begin.elapsed() > RESTART_MAX => {
                    let seconds = RESTART_MAX.as_secs();
                    return Err(format!(
                        "it serves nothing {seconds} s after its second start: {why}"
                    ));
                }
                Err(_) => std::thread::sleep(LOOK),
            }
        }
    }
}
