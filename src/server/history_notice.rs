//! What the server says aboard of its own recorder: a notification while nothing is recorded, cleared when it is again.
//!
//! It is a notification like others: apps show it, it is recorded (as soon as anything is), and it outlives a restart until
//! the recorder says that all is well.

use compact_str::CompactString;

use super::figures::SOURCE;
use crate::feed::Feed;
use crate::history::status::{State, Status};
use crate::kernel::notifications::Key;
use crate::kernel::time::Moment;
use crate::kernel::update::{Context, Source, Update};
use crate::kernel::value::{Value, push_text};
use crate::kernel::zones::State as Severity;

/// The path of the notification.
pub const PATH: &str = "notifications.server.history";

/// Values that were lost are spoken of for this long (ms) after the last of them: a slow card loses some now and then.
const LOSS_TOLD_MS: u64 = 60_000;

/// What was last said, and what was last seen.
#[derive(Debug, Default)]
pub struct HistoryNotice {
    /// `None` before the recorder was first looked at.
    told: Option<Severity>,
    lost: u64,
    lost_at: Option<Moment>,
}

/// Something to be said.
#[derive(Debug)]
pub struct Notice {
    /// For the hub.
    pub update: Update,
    severity: Severity,
    message: String,
}

impl HistoryNotice {
    /// What is to be said now, if anything. To be called once a second, and [`HistoryNotice::said`] when the hub took it.
    ///
    /// Errors are worded differently from one try to the next: while it is as bad as before, the first words stand.
    pub fn look(&mut self, status: &Status, feed: &Feed, now: Moment) -> Option<Notice> {
        if status.state == State::Starting {
            return None;
        }
        let told = *self.told.get_or_insert_with(|| raised_before(feed));
        // What is lost while nothing can be written has been spoken of.
        if status.lost > self.lost && told != Severity::Warn {
            self.lost_at = Some(now);
        }
        self.lost = status.lost;
        let loses = self.lost_at.is_some_and(|at| now.since(at) < LOSS_TOLD_MS);
        let (severity, message) = match status.problem(now) {
            Some(problem) => (Severity::Warn, format!("The history is not recorded: {problem}")),
            None if loses => (Severity::Alert, "The history loses values: the disk does not keep up".to_owned()),
            None => (Severity::Normal, "The history is recorded".to_owned()),
        };
        (severity != told).then(|| Notice { update: update(severity, &message), severity, message })
    }

    /// It has been said.
    pub fn said(&mut self, notice: &Notice) {
        if notice.severity > Severity::Normal {
            tracing::warn!("{}", notice.message);
        } else {
            tracing::info!("{} again", notice.message);
        }
        self.told = Some(notice.severity);
    }
}

/// What stands from before a restart.
fn raised_before(feed: &Feed) -> Severity {
    let key = Key { context: "vessels.self".into(), path: PATH.into(), source: SOURCE.into() };
    feed.read().raised().0.get(&key).map_or(Severity::Normal, |raised| raised.state)
}

fn update(severity: Severity, message: &str) -> Update {
    let method = if severity > Severity::Normal { "[\"visual\"]" } else { "[]" };
    let mut json = format!("{{\"state\":\"{}\",\"method\":{method},\"message\":", severity.as_str());
    push_text(message, &mut json);
    json.push('}');
    let mut update = Update::new(Context::Own, Source::Ref(CompactString::const_new(SOURCE)), 1);
    update.push(PATH, Value::json(json));
    update
}
