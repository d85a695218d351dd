//! What a playback does when: pure, with the time as an argument.
//!
//! Everything of one capture time is one [`Instant`] and goes out together. An instant is due at `(t - t0) / rate` after the
//! point where playing began, was changed or was resumed, so that errors do not add up however long it plays.

use std::collections::VecDeque;
use std::sync::Arc;

use compact_str::CompactString;

use super::reader::{Sample, SeriesInfo};
use super::record::{Gap, GapReason, RecordKind};
use crate::kernel::time::{Moment, Timestamp};
use crate::kernel::update::{Context, PathMeta, Source, Update};
use crate::kernel::value::Value;

/// The slowest rate.
pub const RATE_MIN: f64 = 0.01;
/// The fastest rate.
pub const RATE_MAX: f64 = 10_000.0;
/// With fewer instants than this waiting the next page is to be fetched.
const WAITING_MIN: usize = 512;

/// Where the recorder says that it lost something, a silence of more than this is not waited for: nothing happened in it that
/// could be shown.
pub const LOST_MAX_MS: u64 = 10_000;

/// Everything that was measured at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Instant {
    /// Capture time.
    pub at: Timestamp,
    /// One for each change that was recorded.
    pub updates: Vec<Update>,
    /// The lines of NMEA 0183 that said it, where they were kept: whole, with their ends.
    pub sentences: Vec<u8>,
}

/// Puts samples, which are in order of (capture time, seq), together as they were before they were recorded. Samples of
/// series that nobody knows any more are left out.
pub fn instants(samples: &[Sample], mut series: impl FnMut(i64) -> Option<Arc<SeriesInfo>>) -> Vec<Instant> {
    let mut out: Vec<Instant> = Vec::new();
    for together in samples.chunk_by(|a, b| a.at == b.at) {
        let updates = updates(together, &mut series);
        if !updates.is_empty() {
            out.push(Instant { at: together[0].at, updates, sentences: Vec::new() });
        }
    }
    out
}

/// The updates that a state (see [`Reader::state_at`](super::reader::Reader::state_at)) is made of, oldest first.
pub fn state(mut samples: Vec<Sample>, mut series: impl FnMut(i64) -> Option<Arc<SeriesInfo>>) -> Vec<Update> {
    samples.sort_unstable_by_key(|s| (s.at, s.seq, s.series));
    updates(&samples, &mut series)
}

fn updates(samples: &[Sample], series: &mut impl FnMut(i64) -> Option<Arc<SeriesInfo>>) -> Vec<Update> {
    let mut out: Vec<Update> = Vec::new();
    for change in samples.chunk_by(|a, b| a.at == b.at && a.seq == b.seq) {
        let mut last: Option<Arc<SeriesInfo>> = None;
        for sample in change {
            let Some(info) = series(sample.series) else { continue };
            let same = last.as_ref().is_some_and(|l| l.context == info.context && l.source == info.source);
            if !same {
                let source = Source::Ref(CompactString::new(&*info.source));
                let context = Context::Named(CompactString::new(&*info.context));
                let mut update = Update::new(context, source, change.len());
                update.timestamp = Some(sample.at);
                out.push(update);
            }
            let update = out.last_mut().expect("pushed above");
            match (info.kind, &sample.value) {
                (RecordKind::Meta, Value::Json(meta)) => {
                    update.meta.push(PathMeta { path: CompactString::new(&*info.path), meta: meta.clone().into() });
                }
                (RecordKind::Meta, _) => {}
                _ => update.push_at(CompactString::new(&*info.path), sample.value.clone()),
            }
            last = Some(info);
        }
    }
    out.retain(|update| !update.values.is_empty() || !update.meta.is_empty());
    out
}

/// What is to be done now.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// These are due.
    Play(Instant),
    /// Nothing was recorded between these; the player has gone on to the end of it.
    Gap {
        /// The last instant before it.
        from: Timestamp,
        /// The first instant after it.
        to: Timestamp,
        /// Why, where the recorder knows: it lost what came then. `None` where nothing came.
        reason: Option<GapReason>,
    },
    /// Nothing is due before this.
    Wait(Moment),
    /// Nothing will be due before the client says so.
    Paused,
    /// Everything fetched has been played.
    Empty,
}

/// The clock of a playback and what waits for it.
#[derive(Debug)]
pub struct Player {
    rate: f64,
    paused: bool,
    /// At this monotonic time (ms) …
    mono: f64,
    /// … the recording stands here (ms since 1970).
    recorded: f64,
    /// What was played last, or where playing began.
    last: Timestamp,
    gap_max_ms: Option<u64>,
    lost: Vec<Gap>,
    waiting: VecDeque<Instant>,
}

impl Player {
    /// A player that stands at `start` and goes. Where nothing was recorded for more than `gap_max_ms`, it goes on to the
    /// end of that, and where the recorder lost something after [`LOST_MAX_MS`]; `None` for never.
    pub fn new(start: Timestamp, rate: f64, gap_max_ms: Option<u64>, now: Moment) -> Self {
        let (mono, recorded) = (now.as_millis() as f64, start.as_millis() as f64);
        let rate = rate.clamp(RATE_MIN, RATE_MAX);
        Self {
            rate,
            paused: false,
            mono,
            recorded,
            last: start,
            gap_max_ms,
            lost: Vec::new(),
            waiting: VecDeque::new(),
        }
    }

    /// How many times as fast as it was.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether it stands.
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Where the recording stands.
    pub fn position(&self, now: Moment) -> Timestamp {
        Timestamp::from_millis(self.exact_position(now) as i64)
    }

    fn exact_position(&self, now: Moment) -> f64 {
        if self.paused { self.recorded } else { self.recorded + (now.as_millis() as f64 - self.mono) * self.rate }
    }

    /// Goes on at another rate.
    pub fn set_rate(&mut self, rate: f64, now: Moment) {
        self.anchor(now);
        self.rate = rate.clamp(RATE_MIN, RATE_MAX);
    }

    /// Stands, or goes on.
    pub fn pause(&mut self, paused: bool, now: Moment) {
        self.anchor(now);
        self.paused = paused;
    }

    fn anchor(&mut self, now: Moment) {
        self.recorded = self.exact_position(now);
        self.mono = now.as_millis() as f64;
    }

    /// Goes on from another time. What waited is forgotten.
    pub fn seek(&mut self, to: Timestamp, now: Moment) {
        self.recorded = to.as_millis() as f64;
        self.mono = now.as_millis() as f64;
        self.last = to;
        self.waiting.clear();
    }

    /// What the recorder lost in the time that is played.
    pub fn know_lost(&mut self, gaps: Vec<Gap>) {
        self.lost = gaps;
    }

    /// The reason of the gap that covers most of a stretch, and how much of it (ms).
    fn lost_between(&self, from: Timestamp, to: Timestamp) -> Option<(u64, GapReason)> {
        let covered = |gap: &Gap| {
            let (from, to) = (gap.from.max(from), gap.to.min(to));
            let ms = to.as_millis().saturating_sub(from.as_millis());
            u64::try_from(ms).ok().map(|ms| (ms, gap.reason))
        };
        self.lost.iter().filter_map(covered).max_by_key(|(ms, _)| *ms)
    }

    /// Takes the next page.
    pub fn push(&mut self, page: Vec<Instant>) {
        self.waiting.extend(page);
    }

    /// Whether the next page should be fetched by now.
    pub fn wants_more(&self) -> bool {
        self.waiting.len() < WAITING_MIN
    }

    /// What is to be done now. Call it again until it says to wait.
    pub fn next(&mut self, now: Moment) -> Step {
        let Some(first) = self.waiting.front() else { return Step::Empty };
        if self.paused {
            return Step::Paused;
        }
        let (from, to) = (self.last, first.at);
        let silent = to.as_millis().saturating_sub(from.as_millis());
        let lost = self.lost_between(from, to);
        let is_skipped = |max: u64| {
            u64::try_from(silent).unwrap_or(0) > max || lost.is_some_and(|(ms, _)| ms > max.min(LOST_MAX_MS))
        };
        if self.gap_max_ms.is_some_and(is_skipped) {
            self.mono = now.as_millis() as f64;
            self.recorded = to.as_millis() as f64;
            self.last = to;
            return Step::Gap { from, to, reason: lost.map(|(_, reason)| reason) };
        }
        let due = self.mono + (to.as_millis() as f64 - self.recorded) / self.rate;
        if due > now.as_millis() as f64 {
            return Step::Wait(Moment::from_millis(due.ceil() as u64));
        }
        self.last = to;
        self.waiting.pop_front().map_or(Step::Empty, Step::Play)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T: Timestamp = Timestamp::from_millis(1_780_272_000_000);

    fn instant(ms: i64) -> Instant {
        Instant { at: T.plus_millis(ms), updates: Vec::new(), sentences: Vec::new() }
    }

    /// Plays with a clock that jumps straight to what is due; `(monotonic ms, recorded ms)` of each instant.
    fn played(player: &mut Player, mut now: u64, until: u64) -> Vec<(u64, i64)> {
        let mut out = Vec::new();
        while now <= until {
            match player.next(Moment::from_millis(now)) {
                Step::Play(instant) => out.push((now, instant.at.as_millis() - T.as_millis())),
                Step::Wait(due) => now = due.as_millis(),
                Step::Gap { from, to, .. } => out.push((now, from.as_millis() - to.as_millis())),
                Step::Paused | Step::Empty => break,
            }
        }
        out
    }

    fn player(rate: f64, gap_max_ms: Option<u64>, at: &[i64]) -> Player {
        let mut player = Player::new(T, rate, gap_max_ms, Moment::from_millis(1_000));
        player.push(at.iter().copied().map(instant).collect());
        player
    }

    #[test]
    fn instants_are_due_by_the_rate() {
        for (rate, want) in [
            (1.0, [(1_000, 0), (1_500, 500), (3_000, 2_000)]),
            (0.5, [(1_000, 0), (2_000, 500), (5_000, 2_000)]),
            (5.0, [(1_000, 0), (1_100, 500), (1_400, 2_000)]),
            (1_000.0, [(1_000, 0), (1_001, 500), (1_002, 2_000)]),
        ] {
            assert_eq!(played(&mut player(rate, None, &[0, 500, 2_000]), 1_000, u64::MAX), want, "{rate}");
        }
    }

    #[test]
    fn a_gap_is_said_and_skipped() {
        let mut player = player(1.0, Some(60_000), &[0, 60_000, 120_001, 121_001]);
        let want = [(1_000, 0), (61_000, 60_000), (61_000, -60_001), (61_000, 120_001), (62_000, 121_001)];
        assert_eq!(played(&mut player, 1_000, u64::MAX), want);
    }

    #[test]
    fn what_the_recorder_lost_is_not_waited_for() {
        let lost = |from: i64, to: i64| Gap {
            first_seq: 1,
            last_seq: 9,
            from: T.plus_millis(from),
            to: T.plus_millis(to),
            reason: GapReason::WriteFailed,
        };
        let step = |limit, gaps: Vec<Gap>| {
            let mut player = player(1.0, limit, &[0, 40_000]);
            player.know_lost(gaps);
            assert!(matches!(player.next(Moment::from_millis(1_000)), Step::Play(_)));
            player.next(Moment::from_millis(1_000))
        };
        let gap = |reason| Step::Gap { from: T, to: T.plus_millis(40_000), reason };
        assert_eq!(step(Some(60_000), vec![lost(9_000, 30_000)]), gap(Some(GapReason::WriteFailed)));
        assert_eq!(step(Some(30_000), vec![]), gap(None), "nothing came");
        assert_eq!(step(Some(30_000), vec![lost(5_000, 5_000)]), gap(Some(GapReason::WriteFailed)));
        let wait = Step::Wait(Moment::from_millis(41_000));
        assert_eq!(step(Some(60_000), vec![lost(9_000, 19_000)]), wait, "not long enough");
        assert_eq!(step(Some(60_000), vec![lost(-90_000, -50_000), lost(41_000, 90_000)]), wait, "not there");
        assert_eq!(step(None, vec![lost(9_000, 30_000)]), wait, "never");
    }

    #[test]
    fn a_change_of_rate_counts_from_where_the_recording_stands() {
        let mut player = player(1.0, None, &[0, 1_000, 11_000]);
        assert_eq!(played(&mut player, 1_000, 2_000), [(1_000, 0), (2_000, 1_000)]);
        player.set_rate(10.0, Moment::from_millis(3_000));
        assert_eq!(player.position(Moment::from_millis(3_100)), T.plus_millis(3_000));
        assert_eq!(played(&mut player, 3_000, u64::MAX), [(3_900, 11_000)]);
    }

    #[test]
    fn a_pause_takes_no_time_of_the_recording() {
        let mut player = player(2.0, None, &[0, 4_000]);
        assert_eq!(played(&mut player, 1_000, 1_000), [(1_000, 0)]);
        player.pause(true, Moment::from_millis(2_000));
        assert_eq!(player.next(Moment::from_millis(90_000)), Step::Paused);
        assert_eq!(player.position(Moment::from_millis(90_000)), T.plus_millis(2_000));
        player.pause(false, Moment::from_millis(90_000));
        assert_eq!(played(&mut player, 90_000, u64::MAX), [(91_000, 4_000)]);
    }

    #[test]
    fn a_seek_forgets_what_waited() {
        let mut player = player(1.0, None, &[0, 4_000]);
        player.seek(T.plus_millis(-5_000), Moment::from_millis(1_000));
        assert_eq!(player.next(Moment::from_millis(1_000)), Step::Empty);
        player.push(vec![instant(-4_000)]);
        assert_eq!(played(&mut player, 1_000, u64::MAX), [(2_000, -4_000)]);
    }

    proptest! {
        #[test]
        fn pacing_never_drifts_and_keeps_the_order(
            rate in 0.01_f64..10_000.0,
            steps in prop::collection::vec(1_i64..2_000, 1..400),
        ) {
            let times: Vec<i64> = steps.iter().scan(0, |t, step| { *t += step; Some(*t) }).collect();
            let got = played(&mut player(rate, None, &times), 1_000, u64::MAX);
            prop_assert_eq!(got.len(), times.len());
            for ((mono, recorded), want) in got.into_iter().zip(times) {
                prop_assert_eq!(recorded, want);
                let due = 1_000.0 + want as f64 / rate;
                prop_assert!((mono as f64 - due).abs() <= 1.01, "{} ms, due at {}", mono, due);
            }
        }
    }

    #[test]
    fn what_was_one_change_is_one_again() {
        let info = |id: i64| {
            let (path, source, kind) = match id {
                1 => ("navigation.speedOverGround", "gps.GP", RecordKind::Value),
                2 => ("navigation.courseOverGroundTrue", "gps.GP", RecordKind::Value),
                3 => ("navigation.speedOverGround", "gps.GP", RecordKind::Meta),
                _ => ("environment.depth.belowKeel", "sounder.SD", RecordKind::Value),
            };
            let (context, path, source) = ("vessels.x".into(), path.into(), source.into());
            (id < 5).then(|| Arc::new(SeriesInfo { id, context, path, source, kind }))
        };
        let sample = |series, at: i64, seq, value| Sample { series, at: T.plus_millis(at), seq, value };
        let samples = [
            sample(1, 0, 1, Value::number(1.0)),
            sample(2, 0, 1, Value::number(2.0)),
            sample(3, 0, 1, Value::json("{}")),
            sample(4, 0, 2, Value::number(4.0)),
            sample(5, 0, 3, Value::number(5.0)),
            sample(1, 7, 4, Value::Null),
        ];
        let got = instants(&samples, info);
        let shape: Vec<Vec<(usize, usize)>> =
            got.iter().map(|i| i.updates.iter().map(|u| (u.values.len(), u.meta.len())).collect()).collect();
        assert_eq!(shape, [vec![(2, 1), (1, 0)], vec![(1, 0)]]);
        assert_eq!(got[1].updates[0].timestamp, Some(T.plus_millis(7)));
    }
}
