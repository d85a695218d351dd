//! The recorder's cursor: reads the log like a stream does, and must not skip. If it ever does, that is a gap in the history.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::clock::boat::BoatClock;
use crate::clock::trust::{Era, Eras};
use crate::config::{self, Config, RecordContext, RecordRule};
use crate::feed::Feed;
use crate::history::dating::Dating;
use crate::history::handle::History;
use crate::history::policy::{Contexts, Keep, RecordPolicy, Rule};
use crate::history::record::{Gap, GapReason, Record, RecordKind};
use crate::history::recorder::Recorder;
use crate::history::retention::Retention;
use crate::history::sentences::Inbox;
use crate::history::{self};
use crate::input::SentenceLog;
use crate::kernel::change::{Change, Changed};
use crate::kernel::id::{PathId, Seq};
use crate::kernel::model::{names, statics};
use crate::kernel::pattern::Pattern;
use crate::kernel::time::Timestamp;
use crate::kernel::value::Value;
use crate::kernel::world::World;

/// Changes handed over at once at the most, so that the lock is held shortly.
const CHANGES_PER_BATCH: usize = 256;
/// Queries that read at the same time: more would keep threads from the rest of the server. The others wait.
const READERS_MAX: usize = 2;
/// Playbacks at the same time. Those above are refused.
const PLAYBACKS_MAX: usize = 4;
/// The recorder is told the time this often at the least …
const TICK: Duration = Duration::from_millis(250);
/// … and so often between two commits.
const TICKS_PER_COMMIT: u32 = 10;
/// Less than a batch waits for more, up to this long: ten batches a second let the channel bridge a card that hangs.
const GATHER: Duration = Duration::from_millis(100);
/// A recorder that has no room is asked again after this. Meanwhile the changes stay in the tail.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(2);

impl SentenceLog for Inbox {
    fn sentence(&self, input: &Arc<str>, at: Timestamp, line: &[u8]) {
        self.push(input, at, line);
    }
}

/// The recorder with its feeder.
#[derive(Debug)]
pub(super) struct Recording {
    feeder: JoinHandle<()>,
    recorder: Arc<Recorder>,
}

/// Where the history of a configuration lies.
pub(crate) fn directory(config: &Config) -> PathBuf {
    config.history.path.clone().unwrap_or_else(|| config.server.state_dir.join("history"))
}

/// The highest number in the history, if there is one and it can be read.
pub(super) fn highest_seq(directory: &Path) -> Option<u64> {
    history::highest_seq(directory).ok()?
}

/// Starts recording everything after `head`. `None`, and said in the log, when the system refuses the thread.
pub(super) fn start(
    config: &Config,
    own: &str,
    (highest, head): (Option<u64>, u64),
    feed: Feed,
    clock: Arc<BoatClock>,
    recorded: Arc<AtomicU64>,
) -> Option<(Recording, History)> {
    let directory = directory(config);
    let recorder = match Recorder::start(settings(config, own, &directory)) {
        Ok(recorder) => Arc::new(recorder),
        Err(error) => {
            tracing::error!(%error, "history is off for this run: its thread could not be started");
            return None;
        }
    };
    let wall = clock.now().wall;
    let unused = highest.filter(|&highest| highest < head).map(|highest| Gap {
        first_seq: highest + 1,
        last_seq: head,
        from: wall,
        to: wall,
        reason: GapReason::NotUsed,
    });
    if let Some(unused) = unused {
        // These numbers will never be seen; whoever resumes among them is told so.
        recorder.gap(unused);
    }
    let public = History {
        directory,
        status: recorder.shared_status(),
        tail: recorder.tail(),
        sentences: config.history.sentences.then(|| recorder.sentences()),
        unused,
        keeps_all: config.history.rules.iter().all(|rule| rule.keep == config::Keep::All),
        readers: Arc::new(Semaphore::new(READERS_MAX)),
        playbacks: Arc::new(Semaphore::new(PLAYBACKS_MAX)),
    };
    let tick = tick(config);
    let feeder = tokio::spawn(run(recorder.clone(), feed, clock, Seq(head), (recorded, tick)));
    Some((Recording { feeder, recorder }, public))
}

impl Recording {
    /// Waits until the feed has ended and everything of it is on the disk.
    pub(super) async fn stop(self) {
        let _ = self.feeder.await;
        if let Some(recorder) = Arc::into_inner(self.recorder) {
            let _ = tokio::task::spawn_blocking(move || recorder.stop()).await;
        }
    }
}

fn tick(config: &Config) -> Duration {
    TICK.min(config.history.commit_interval / TICKS_PER_COMMIT)
}

fn settings(config: &Config, own: &str, directory: &Path) -> history::writer::Config {
    let h = &config.history;
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    history::writer::Config {
        commit_interval_ms: h.commit_interval.as_millis() as u64,
        tick_ms: tick(config).as_millis() as u64,
        policy: policy(&h.rules),
        retention: Retention {
            age_max_ms: h.keep_for.map(ms),
            others_age_max_ms: h.keep_others_for.map(ms),
            log_age_max_ms: ms(h.log_for),
            size_max_bytes: Some(h.max_size),
            keep_free_bytes: h.keep_free,
        },
        write_bytes_per_day_max: h.max_mb_per_day.map(|mb| u64::from(mb) * 1_000_000),
        ..history::writer::Config::new(directory, own)
    }
}

fn policy(rules: &[RecordRule]) -> RecordPolicy {
    let rule = |rule: &RecordRule| Rule {
        context: match &rule.context {
            RecordContext::Own => Contexts::Own,
            RecordContext::Others => Contexts::Others,
            RecordContext::Pattern(text) => Contexts::Matching(Pattern::new(text)),
        },
        path: Pattern::new(&rule.path),
        keep: match rule.keep {
            config::Keep::All => Keep::All,
            config::Keep::Nothing => Keep::Nothing,
            config::Keep::OneIn(every) => Keep::OneIn(every.as_millis() as u64),
        },
    };
    RecordPolicy { rules: rules.iter().map(rule).collect() }
}

async fn run(
    recorder: Arc<Recorder>,
    mut feed: Feed,
    clock: Arc<BoatClock>,
    mut cursor: Seq,
    (recorded, tick): (Arc<AtomicU64>, Duration),
) {
    let mut tick = tokio::time::interval(tick);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut going_on = true;
    let mut dating = Dating::new(clock.eras().newest(), cursor.0);
    while going_on {
        tokio::select! {
            grown = feed.grown() => going_on = grown && gather(&mut feed, cursor).await,
            _ = tick.tick() => {
                // Never a time of one era with the trust of another, nor ahead of the epoch between them.
                let (now, era) = clock.reading();
                go_to(&mut dating, era, cursor, now.wall, &recorder).await;
                recorder.tick(now, era.trusted);
            }
        }
        loop {
            let Reading { mut records, gap, upto, eras } = read(&feed, cursor, &clock);
            if go_to(&mut dating, eras.newest(), cursor, clock.now().wall, &recorder).await {
                // It becomes durable with a tick, which should not wait: the plug may be pulled.
                tick.reset_immediately();
            }
            for record in &mut records {
                dating.date(record, &eras);
            }
            if gap.is_some_and(|gap| !recorder.gap(gap)) || recorder.try_offer(records).is_err() {
                tokio::time::sleep(NO_ROOM_PAUSE).await;
                continue;
            }
            if upto == cursor {
                break;
            }
            cursor = upto;
            recorded.store(cursor.0, Ordering::Relaxed);
        }
    }
}

/// Goes on to an era, and tells the recorder what that means for what it has. True when it means something.
async fn go_to(dating: &mut Dating, era: Era, upto: Seq, now: Timestamp, recorder: &Recorder) -> bool {
    let Some(epoch) = dating.go_to(era, upto.0, now) else { return false };
    while !recorder.epoch(epoch) {
        tokio::time::sleep(NO_ROOM_PAUSE).await;
    }
    true
}

/// Waits until there is a batch, for a while. False when nothing will come any more.
async fn gather(feed: &mut Feed, cursor: Seq) -> bool {
    let enough = tokio::time::sleep(GATHER);
    tokio::pin!(enough);
    while feed.head() < cursor.0 + CHANGES_PER_BATCH as u64 {
        tokio::select! {
            grown = feed.grown() => if !grown {
                return false;
            },
            () = &mut enough => break,
        }
    }
    true
}

/// A look into the log.
struct Reading {
    records: Vec<Record>,
    gap: Option<Gap>,
    /// Where the cursor stands then.
    upto: Seq,
    /// The eras in which the records were stamped.
    eras: Eras,
}

/// The next changes after the cursor.
fn read(feed: &Feed, cursor: Seq, clock: &BoatClock) -> Reading {
    let world = feed.read();
    // Nothing in the log is newer than these eras, which are asked for now that the log stands still.
    let eras = clock.eras();
    let Some(changes) = world.tail.after(cursor) else {
        let (upto, now) = (Seq(world.tail.oldest().0 - 1), clock.now());
        let reason = GapReason::Missed;
        let gap = Gap { first_seq: cursor.0 + 1, last_seq: upto.0, from: now.wall, to: now.wall, reason };
        return Reading { records: Vec::new(), gap: Some(gap), upto, eras };
    };
    let mut records = Vec::new();
    let mut upto = cursor;
    for change in changes.take(CHANGES_PER_BATCH) {
        push_records(&world, change, &mut records);
        upto = change.seq;
    }
    Reading { records, gap: None, upto, eras }
}

pub(super) fn push_records(world: &World, change: &Change, out: &mut Vec<Record>) {
    let source = world.model.sources().name(change.source);
    let record = |path: &Arc<str>, value: Value, kind| Record {
        seq: change.seq.0,
        context: change.context_name.clone(),
        path: path.clone(),
        source: source.clone(),
        capture: change.timestamp,
        received: change.received.wall,
        received_mono: change.received.mono,
        // Dated by the caller.
        trusted_wall: false,
        value,
        kind,
    };
    for changed in &change.values {
        // Static data come in parts, of which each is known for as long as it was said last.
        if let Some(members) = static_members(world, changed) {
            let text = |path: PathId| world.model.paths().text(path.0);
            out.extend(members.into_iter().map(|(path, value)| record(text(path), value, RecordKind::Value)));
            continue;
        }
        let kind = if world.is_notification(changed.path) { RecordKind::Notification } else { RecordKind::Value };
        out.push(record(world.model.paths().text(changed.path.0), changed.value.clone(), kind));
    }
    for path in &change.meta {
        if let Some(json) = world.meta_json(*path) {
            out.push(record(world.model.paths().text(path.0), Value::json(json), RecordKind::Meta));
        }
    }
}

/// The members of static data by their paths, where each of them can be said under its own.
fn static_members(world: &World, changed: &Changed) -> Option<Vec<(PathId, Value)>> {
    let Value::Json(json) = &changed.value else { return None };
    let members = if changed.path == PathId::ROOT { statics::flatten(json)? } else { return None };
    let member = |(name, value): (String, Value)| {
        let path = world.model.find_path(&name).filter(|_| names::is_static(&name))?;
        Some((path, value))
    };
    members.into_iter().map(member).collect()
}
