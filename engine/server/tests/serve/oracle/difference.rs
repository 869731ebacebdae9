//! Where the two servers part, and the shortest way there.

use std::fmt;
use std::time::{Duration, Instant};

use super::wire::{Frame, Words, shown};

/// One command of a schedule, and which client says it.
#[derive(Clone, Debug)]
pub struct Step {
    pub client: usize,
    pub words: Words,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = char::from(b'a' + self.client as u8);
        write!(f, "{name}> {}", shown(&self.words))
    }
}

/// The first difference of a schedule.
#[derive(Clone, Debug)]
pub struct Difference {
    /// After which step.
    pub step: usize,
    /// Where: at a client, or among the events.
    pub at: String,
    pub ours: Vec<Frame>,
    pub theirs: Vec<Frame>,
}

/// How long shorter schedules are looked for.
const SEARCH: Duration = Duration::from_secs(15);

/// The shortest schedule found that still shows a difference, in words. `play` gives the first difference
/// of a schedule.
pub fn shortest(
    mut steps: Vec<Step>,
    mut found: Difference,
    mut play: impl FnMut(&[Step]) -> Option<Difference>,
) -> String {
    let end = Instant::now() + SEARCH;
    let mut again = |steps: &[Step]| (Instant::now() < end).then(|| play(steps)).flatten();
    steps.truncate(found.step + 1);
    let Some(repeated) = again(&steps) else {
        let last = steps.len().saturating_sub(30);
        return format!(
            "not every time, after {} commands, of which the last are\n{}",
            steps.len(),
            tell(&steps[last..], &found)
        );
    };
    steps.truncate(repeated.step + 1);
    found = repeated;
    // Most often what matters was said of the same keys.
    let last = steps[found.step].words.clone();
    let related = |step: &Step| step.words[1..].iter().any(|word| last[1..].contains(word));
    let few: Vec<Step> = steps.iter().filter(|step| related(step)).cloned().collect();
    if let Some(difference) = again(&few) {
        steps = few;
        found = difference;
    }
    let mut part = steps.len().div_ceil(2);
    while part > 0 {
        let mut at = 0;
        while at < steps.len() {
            let end = (at + part).min(steps.len());
            let fewer: Vec<Step> = [&steps[..at], &steps[end..]].concat();
            match again(&fewer) {
                Some(difference) => {
                    steps = fewer;
                    steps.truncate(difference.step + 1);
                    found = difference;
                }
                None => at = end,
            }
        }
        part /= 2;
    }
    tell(&steps, &found)
}

fn tell(steps: &[Step], found: &Difference) -> String {
    let lines = |frames: &[Frame]| {
        let lines: Vec<String> = frames.iter().map(Frame::to_string).collect();
        lines.join("\n         ")
    };
    let steps: Vec<String> = steps.iter().map(|step| format!("  {step}")).collect();
    format!(
        "{}\n  at {}\n  ours:  {}\n  redis: {}",
        steps.join("\n"),
        found.at,
        lines(&found.ours),
        lines(&found.theirs)
    )
}
