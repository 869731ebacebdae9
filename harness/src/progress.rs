//! Progress on standard error, where that is a terminal: a bar, the step under way, and the time left.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Steps done out of steps planned, by the seconds that each is expected to take.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    steps: usize,
    begun: usize,
    /// What the bar shows of the step under way.
    shown: u64,
}

impl Progress {
    /// Progress over `steps` steps that together take about `seconds`.
    pub(crate) fn new(steps: usize, seconds: f64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{bar:30} {percent:>3}%  {elapsed} gone, about {eta} left  {wide_msg}",
            )
            .expect("the template is well formed");
            let bar = ProgressBar::new(weight(seconds)).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Progress {
            bar,
            steps,
            begun: 0,
            shown: 0,
        }
    }

    /// A step begins.
    pub(crate) fn begin(&mut self, what: &str) {
        self.begun += 1;
        if let Some(bar) = &self.bar {
            bar.set_message(format!("[{}/{}] {what}", self.begun, self.steps));
        }
    }

    /// A part of the step under way is done, which was expected to take `seconds`.
    pub(crate) fn part(&mut self, seconds: f64) {
        self.shown += weight(seconds);
        if let Some(bar) = &self.bar {
            bar.inc(weight(seconds));
        }
    }

    /// The step that began last ended; it was expected to take `seconds`, its parts among them.
    pub(crate) fn end(&mut self, seconds: f64) {
        let shown = std::mem::take(&mut self.shown);
        if let Some(bar) = &self.bar {
            bar.inc(weight(seconds).saturating_sub(shown));
        }
    }
}

/// Requests done, perhaps of nobody knows how many.
pub(crate) struct Tally {
    bar: Option<ProgressBar>,
}

impl Tally {
    /// Nothing is done of `what`.
    pub(crate) fn new(what: &str) -> Tally {
        Tally::shown(
            ProgressBar::no_length(),
            "{spinner} {human_pos} requests, {per_sec}, {elapsed} gone  {wide_msg}",
            what,
        )
    }

    /// Nothing is done of `requests` of `what`.
    pub(crate) fn until(requests: u64, what: &str) -> Tally {
        Tally::shown(
            ProgressBar::new(requests),
            "{bar:30} {percent:>3}%  {human_pos} requests, {per_sec}, about {eta} left  {wide_msg}",
            what,
        )
    }

    fn shown(bar: ProgressBar, template: &str, what: &str) -> Tally {
        if !std::io::stderr().is_terminal() {
            return Tally { bar: None };
        }
        let style = ProgressStyle::with_template(template).expect("the template is well formed");
        let bar = bar.with_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Tally { bar: Some(bar) }
    }

    /// More requests are done.
    pub(crate) fn add(&mut self, requests: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(requests);
        }
    }

    /// So many are done in all.
    pub(crate) fn set(&mut self, requests: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(requests);
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn weight(seconds: f64) -> u64 {
    (seconds * 1000.0) as u64
}
