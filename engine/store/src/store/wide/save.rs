//! A save of all shards: they stand still together for its beginning, and go on; what they write is waited for, and
//! made to count.

use std::sync::Arc;

use super::plan::{Desk, Step};
use crate::store::config::StoreError;
use crate::store::link::{Ask, Body};
use crate::store::save::{Course, Fate, Pace, Saved, Saves, Written};

/// How far a save is.
enum Stage {
    /// All shards stand still.
    Holding,
    /// They were asked to begin.
    Begun,
    /// They go on, and were not asked yet.
    Released,
    /// They were asked what they have written.
    Writing,
    /// The manifest is being written.
    Publishing(Saved),
    /// They were told what came of it, which this is.
    Ending(Result<(), StoreError>),
}

/// A save of all shards.
pub(in crate::store) struct Save {
    saves: Arc<Saves>,
    pace: Pace,
    course: Option<Arc<Course>>,
    stage: Stage,
}

impl Save {
    /// A save that is not begun.
    pub(in crate::store) fn new(saves: &Arc<Saves>, pace: Pace) -> Save {
        Save {
            saves: Arc::clone(saves),
            pace,
            course: None,
            stage: Stage::Holding,
        }
    }

    pub(super) fn next(&mut self, answers: Vec<Body>, desk: &Desk<'_>) -> Step {
        let stage = std::mem::replace(&mut self.stage, Stage::Holding);
        match stage {
            Stage::Holding => match self.saves.begin(desk.now, desk.joints, self.pace) {
                Ok(course) => {
                    self.stage = Stage::Begun;
                    let ask = |_| Ask::Save(Arc::clone(&course));
                    let step = ask_all(desk, ask);
                    self.course = Some(course);
                    step
                }
                Err(error) => Step::Done(Body::Saved(Box::new(Err(error)))),
            },
            Stage::Begun => match begun(answers) {
                Ok(()) => {
                    self.course
                        .iter()
                        .for_each(|course| self.saves.note(course));
                    self.stage = Stage::Released;
                    Step::Release
                }
                // One that goes on already is let alone.
                Err(error) => self.end(desk, Fate::Dropped, Err(error)),
            },
            Stage::Released => {
                self.stage = Stage::Writing;
                let number = self.number();
                ask_all(desk, |_| Ask::Written(number))
            }
            Stage::Writing => match (written(answers), &self.course) {
                (Ok(shards), Some(course)) => {
                    let saved = Saved {
                        number: course.number,
                        taken: course.taken,
                        joints: course.joints,
                        shards,
                    };
                    let ask = Ask::Publish(Box::new(saved.clone()));
                    self.stage = Stage::Publishing(saved);
                    Step::Ask(vec![(0, ask)])
                }
                (Ok(_), None) => self.end(desk, Fate::Dropped, Err(StoreError::SaveGivenUp)),
                (Err(error), course) => {
                    // What went wrong says more than that one gave up since it had.
                    let first = course.as_ref().and_then(|course| course.take_failure());
                    let error = match error {
                        StoreError::SaveGivenUp => first.unwrap_or(error),
                        error => error,
                    };
                    self.end(desk, Fate::Dropped, Err(error))
                }
            },
            Stage::Publishing(saved) => match written(answers) {
                Ok(_) => {
                    self.saves.count(saved);
                    self.end(desk, Fate::Kept, Ok(()))
                }
                Err(error) => {
                    let may_count = (self.course.as_ref()).is_none_or(|course| course.may_count());
                    let fate = if may_count {
                        Fate::Unknown
                    } else {
                        Fate::Dropped
                    };
                    self.end(desk, fate, Err(error))
                }
            },
            Stage::Ending(done) => Step::Done(Body::Saved(Box::new(done))),
        }
    }

    fn end(&mut self, desk: &Desk<'_>, fate: Fate, done: Result<(), StoreError>) -> Step {
        self.stage = Stage::Ending(done);
        let number = self.number();
        ask_all(desk, |_| Ask::EndSave(number, fate))
    }

    fn number(&self) -> u64 {
        self.course.as_ref().map_or(0, |course| course.number)
    }
}

fn ask_all(desk: &Desk<'_>, ask: impl Fn(usize) -> Ask) -> Step {
    Step::Ask((0..desk.shards).map(|shard| (shard, ask(shard))).collect())
}

/// Whether every shard has begun.
fn begun(answers: Vec<Body>) -> Result<(), StoreError> {
    let all = of_all(answers, |body| match body {
        Body::SaveBegun(begun) => Ok(*begun),
        body => Err(body),
    });
    all.map(drop)
}

/// What every shard has written.
fn written(answers: Vec<Body>) -> Result<Vec<Written>, StoreError> {
    of_all(answers, |body| match body {
        Body::Written(written) => Ok(*written),
        body => Err(body),
    })
}

/// What every shard says, as `of` takes it out of an answer; the first error that says something, where there is one.
fn of_all<T>(
    answers: Vec<Body>,
    of: impl Fn(Body) -> Result<Result<T, StoreError>, Body>,
) -> Result<Vec<T>, StoreError> {
    // A worker that has stopped answers in words.
    let words = |body| Err(StoreError::Refused(super::super::session::words(body)));
    let mut all = Vec::new();
    let mut failed: Option<StoreError> = None;
    for answer in answers {
        match of(answer).unwrap_or_else(words) {
            Ok(said) => all.push(said),
            Err(error) => {
                // That one gave up since another had failed says nothing.
                let says_more = failed
                    .as_ref()
                    .is_none_or(|before| matches!(before, StoreError::SaveGivenUp));
                if says_more {
                    failed = Some(error);
                }
            }
        }
    }
    failed.map_or(Ok(all), Err)
}
