//! Date and time: ZDA.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::position::put_datetime;
use super::{State, understood};
use crate::kernel::update::Update;

/// ZDA: 1 time, 2 day, 3 month, 4 year, 5-6 local zone (not used: Signal K speaks UTC only).
pub fn zda(s: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let (of_day, date) = (field::time_of_day(s.field(1)), field::day_month_year(s.field(2), s.field(3), s.field(4)));
    let (Some(of_day), Some(date)) = (of_day, date) else {
        let empty = (1..=4).any(|n| s.field(n).is_empty());
        return if empty { Outcome::Nothing } else { Outcome::Malformed };
    };
    let time = state.full_time(date, of_day);
    state.learn(time);
    update.timestamp = Some(time);
    put_datetime(update, time);
    understood(update)
}
