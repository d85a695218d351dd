//! One client's stream: rows in, frames out. WebSocket, TCP, playback, tests and fuzzers all drive this same object.
//!
//! A session is a cursor into the one log, and the rows that say what of it the client wants. It holds no queue: whatever
//! it has not sent is still in the tail or in the model. [`Session::pump`] builds frames only when the peer has taken the
//! ones before, so a slow client costs no memory and never gets what was stale when it was built. It goes through four
//! things in this order:
//!
//! 1. replies to requests, which are never dropped;
//! 2. the log after the cursor; or, for a client that fell behind it, the newest value of everything that changed since;
//! 3. greetings: the cached values of new rows, in order of their timestamps, from one snapshot. A greeting begins when
//!    the log has been followed to its end, so that no older value comes after the cached ones, and what is greeted is
//!    finished before the log goes on;
//! 4. timers: values held back by `minPeriod`, repeats of `ideal`, the beat of `fixed`.

mod fixed;
mod greeting;
mod interest;
mod limited;
mod live;
mod meta_sent;
mod moved;
mod options;
mod wants;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

pub use self::fixed::FrameCache;
use self::greeting::Greeting;
use self::interest::Interest;
use self::limited::Limited;
use self::meta_sent::MetaSent;
pub use self::options::{Implied, Options};
use super::encode;
use super::id::{ContextId, Instance, PathId, Seq, SourceId};
use super::model::DEFAULTS_SOURCE;
use super::pattern::Pattern;
use super::relay;
use super::subscription::{ContextPattern, Policy, Row};
use super::time::{Moment, Now};
use super::world::World;

/// Replies waiting to be sent at the most. A client that asks so much more than it reads is closed.
pub const REPLIES_MAX: usize = 256;
/// A client with more changes than this waiting gets the newest value of each path instead of every one of them.
pub const CHANGES_WAITING_MAX: u64 = 1_024;

/// What a call of [`Session::pump`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pumped {
    /// Everything due is in the frames. Call again at the deadline, or when the log has grown.
    UpToDate {
        /// When a timer is due next, where one runs.
        deadline: Option<Moment>,
    },
    /// The budget is used up; there is more.
    More,
    /// What comes next is not in memory any more; the log of the history may have it ([`Options::log`]).
    Missed,
    /// The stream cannot go on.
    Close(CloseReason),
}

/// Why a session ends by the server's doing. The text goes to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// It fell so far behind that notifications passed unseen.
    NotificationsLost,
    /// It fell so far behind that it cannot be told which contexts left.
    ContextsLost,
    /// It sends requests and does not read the replies.
    RepliesUnread,
}

impl CloseReason {
    /// A sentence for the client.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotificationsLost => "too slow: notifications passed that can no longer be sent; connect again",
            Self::ContextsLost => "too slow: vessels left that can no longer be named; connect again",
            Self::RepliesUnread => "too many requests whose replies were not read",
        }
    }
}

/// Why following the log stopped.
enum Halt {
    Missed,
    Close(CloseReason),
}

/// A row and how far it has got.
#[derive(Debug)]
struct ActiveRow {
    row: Row,
    /// The row's greeting covers everything up to here; the log counts from after it. [`NOT_GREETED`] until it begins.
    since: Seq,
    /// The first change that waits for the next beat of a `fixed` row.
    owed: Option<Seq>,
    /// Next beat of a `fixed` row.
    next_beat: Moment,
    /// Root objects reach this row member by member (SUB-24).
    flatten: bool,
}

/// A row whose greeting has not begun wants nothing of the log yet.
const NOT_GREETED: Seq = Seq(u64::MAX);

/// One client's stream.
#[derive(Debug)]
pub struct Session {
    options: Options,
    rows: Vec<ActiveRow>,
    interest: Interest,
    cursor: Seq,
    greetings: VecDeque<Greeting>,
    limited: Limited,
    replies: VecDeque<Bytes>,
    replies_overflowed: bool,
    /// Metadata that was sent on this connection.
    meta_sent: MetaSent,
    /// By [`SourceId`]: what a peer was told of where the source came through.
    introduced: Vec<Option<Arc<[Instance]>>>,
    /// Contexts that rows with `format=full` are owed, and the first change that they are owed for.
    full: Vec<ContextId>,
    full_owed: Option<Seq>,
    /// Nothing up to here was sent in another way than by a beat that is later than it.
    delivered: Seq,
    /// How many values were left out because newer ones were there.
    conflated: u64,
    /// When the client had everything last.
    up_to_date: Moment,
}

impl Session {
    /// A stream that begins now.
    pub fn new(options: Options, world: &World, now: Moment) -> Self {
        let mut session = Self {
            cursor: options.resume.unwrap_or_else(|| world.head()),
            rows: Vec::new(),
            interest: Interest::default(),
            greetings: VecDeque::new(),
            limited: Limited::default(),
            replies: VecDeque::new(),
            replies_overflowed: false,
            meta_sent: MetaSent::default(),
            introduced: Vec::new(),
            full: Vec::new(),
            full_owed: None,
            delivered: Seq::default(),
            conflated: 0,
            up_to_date: now,
            options,
        };
        let context = match session.options.subscribe {
            Implied::Own => Some(ContextPattern::Own),
            Implied::All => Some(ContextPattern::Named(Pattern::new("*"))),
            Implied::None => None,
        };
        if let Some(context) = context {
            let row = Row {
                context,
                path: Pattern::new("*"),
                source: None,
                policy: Policy::Instant { min_ms: 0 },
                full: session.options.full,
                announce: false,
                all_sources: session.options.all_sources,
                exclude: Vec::new(),
            };
            // Whoever goes on from a timepoint has what came before it.
            let greet = session.options.send_cached && session.options.resume.is_none();
            let since = session.cursor;
            session.add_rows(vec![row], greet, since, now);
        }
        session
    }

    /// Adds rows, each with its cached values. `Err` with a sentence when the client has as many as it may.
    pub fn subscribe(&mut self, rows: Vec<Row>, world: &World, now: Moment) -> Result<(), String> {
        let max = self.options.rows_max;
        if self.rows.len() + rows.len() > max {
            return Err(format!("subscribe: a client may have {max} rows; unsubscribe some first"));
        }
        self.add_rows(rows, true, world.head(), now);
        Ok(())
    }

    fn add_rows(&mut self, rows: Vec<Row>, greet: bool, since: Seq, now: Moment) {
        let from = self.rows.len();
        for row in rows {
            let next_beat = match row.policy {
                Policy::Fixed { period_ms } => fixed::next_beat(now, period_ms),
                _ => Moment::default(),
            };
            let flatten = interest::names_static_data(&row.path);
            let since = if greet { NOT_GREETED } else { since };
            self.rows.push(ActiveRow { row, since, owed: None, next_beat, flatten });
        }
        self.interest.clear();
        if greet && self.rows.len() > from {
            let upto = Some(since).filter(|head| self.cursor == *head);
            match self.greetings.back_mut().filter(|greeting| greeting.has_not_sent(upto)) {
                Some(greeting) => greeting.extend(self.rows.len()),
                None => self.greetings.push_back(Greeting::new(from..self.rows.len())),
            }
            if self.greetings.len() == 1 && upto.is_some() {
                self.begin_greeting();
            }
        }
    }

    /// Takes rows back. A context and path of `*` take back everything, the rows that the address implied too, and make
    /// the stream forget which metadata it sent (META-10).
    pub fn unsubscribe(&mut self, which: &[(ContextPattern, Pattern)]) {
        let everything = which.iter().any(|(context, path)| {
            path.is_all() && matches!(context, ContextPattern::Named(pattern) if pattern.is_all())
        });
        if everything {
            self.meta_sent.clear();
        }
        let taken = |row: &Row| which.iter().any(|(c, p)| *c == row.context && (*p == row.path || p.is_all()));
        // Rows are known by their place, so everything that names one is told its new place.
        let mut places: Vec<Option<u16>> = Vec::with_capacity(self.rows.len());
        let mut kept = 0;
        self.rows.retain(|active| {
            let keep = !everything && !taken(&active.row);
            places.push(keep.then_some(kept));
            kept += u16::from(keep);
            keep
        });
        self.interest.clear();
        self.limited.move_rows(|row| places[usize::from(row)]);
        for greeting in &mut self.greetings {
            greeting.move_rows(|rows| places[..rows].iter().flatten().count());
        }
        self.greetings.retain(|greeting| !greeting.is_empty());
    }

    /// Queues a reply to a request, ahead of all data.
    pub fn reply(&mut self, text: String) {
        if self.replies.len() >= REPLIES_MAX {
            self.replies_overflowed = true;
        } else {
            self.replies.push_back(Bytes::from(text));
        }
    }

    /// The reader is another server ([`Options::peer`]).
    pub fn set_peer(&mut self, peer: Instance) {
        self.options.peer = Some(peer);
    }

    /// Whether a source has come through the reader, who then knows it better.
    fn came_from_peer(&self, source: SourceId, world: &World) -> bool {
        self.options.peer.is_some_and(|peer| world.model.sources().via(source).is_some_and(|via| via.contains(&peer)))
    }

    /// Tells a peer through whom a source came, before its first delta and when that has changed.
    fn introduce(&mut self, source: SourceId, world: &World, frames: &mut Frames<'_>) {
        if self.options.peer.is_none() {
            return;
        }
        let Some(via) = world.model.sources().via(source) else { return };
        if self.introduced.len() <= source.index() {
            self.introduced.resize(source.index() + 1, None);
        }
        let told = &mut self.introduced[source.index()];
        if !told.as_ref().is_some_and(|told| Arc::ptr_eq(told, via)) {
            *told = Some(via.clone());
            frames.push(Bytes::from(relay::provenance(world.model.sources().name(source), via)));
        }
    }

    /// Whether rows that do not say get every source.
    pub fn wants_all_sources(&self) -> bool {
        self.options.all_sources
    }

    /// How many rows are active.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The number up to which the client has been served.
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// How many values were left out because newer ones were there.
    pub fn conflated(&self) -> u64 {
        self.conflated
    }

    /// Adds frames to `out` until everything due is there or they come to more than `bytes_max`.
    pub fn pump(
        &mut self,
        world: &World,
        cache: &FrameCache,
        now: Now,
        out: &mut Vec<Bytes>,
        bytes_max: usize,
    ) -> Pumped {
        if self.replies_overflowed {
            return Pumped::Close(CloseReason::RepliesUnread);
        }
        let mut frames = Frames { out, bytes: 0, bytes_max };
        while let Some(reply) = self.replies.pop_front() {
            frames.push(reply);
        }
        loop {
            while let Some(mut greeting) = self.begun_greeting() {
                if frames.is_full() {
                    self.greetings.push_front(greeting);
                    return Pumped::More;
                }
                if !self.greet(&mut greeting, world, now, &mut frames) {
                    self.greetings.push_front(greeting);
                }
            }
            match self.follow(world, now, &mut frames) {
                Ok(()) => {}
                Err(Halt::Missed) => return Pumped::Missed,
                Err(Halt::Close(reason)) => return Pumped::Close(reason),
            }
            if frames.is_full() && (self.cursor < world.head() || !self.greetings.is_empty()) {
                return Pumped::More;
            }
            if self.greetings.is_empty() {
                break;
            }
            self.begin_greeting();
        }
        self.up_to_date = now.mono;
        self.send_due(world, now, &mut frames);
        self.send_beats(world, cache, now, &mut frames);
        Pumped::UpToDate { deadline: self.deadline() }
    }

    /// Passes over what came up to `head` and was not sent: a playback goes to another time, and what follows says
    /// everything anew. Replies stay.
    pub fn skip_to(&mut self, head: Seq) {
        self.cursor = self.cursor.max(head);
        self.limited = Limited::default();
        self.full.clear();
        self.full_owed = None;
        for active in &mut self.rows {
            active.owed = None;
        }
    }

    /// Bytes in memory, about: what one more client costs, however slow it is.
    pub fn memory_bytes(&self) -> usize {
        let rows = self.rows.capacity() * size_of::<ActiveRow>();
        let replies: usize = self.replies.iter().map(Bytes::len).sum();
        let greetings = self.greetings.capacity() * size_of::<Greeting>();
        let tables = self.interest.memory_bytes() + self.limited.memory_bytes() + self.meta_sent.memory_bytes();
        size_of::<Self>() + rows + replies + greetings + tables
    }

    /// When a timer is due next.
    fn deadline(&self) -> Option<Moment> {
        let beats = self.rows.iter().filter(|r| matches!(r.row.policy, Policy::Fixed { .. })).map(|r| r.next_beat);
        beats.chain(self.limited.deadline()).min()
    }

    /// Takes the snapshot for the first greeting: where the cursor stands, which is the end of the log.
    fn begin_greeting(&mut self) {
        if let Some(greeting) = self.greetings.front_mut() {
            for active in &mut self.rows[greeting.begin(self.cursor)] {
                active.since = self.cursor;
            }
        }
    }

    fn begun_greeting(&mut self) -> Option<Greeting> {
        if self.greetings.front()?.has_begun() { self.greetings.pop_front() } else { None }
    }

    /// The largest number up to which nothing is still owed to the client.
    pub fn low_water(&self) -> Seq {
        let beats = self.rows.iter().filter_map(|active| active.owed);
        let owed = beats.chain(self.limited.oldest_owed()).chain(self.full_owed).min();
        Seq(owed.map_or(self.cursor.0, |seq| self.cursor.0.min(seq.0.saturating_sub(1))))
    }

    /// Where the client stands before something is sent, and which frame that begins with; for [`Self::stamp`].
    fn mark(&self, world: &World, frames: &Frames<'_>) -> (usize, Seq) {
        (frames.out.len(), if self.options.timepoints { world.timepoint(self.low_water()) } else { Seq::default() })
    }

    /// Puts the timepoint into the frames since `mark`, where the client asked for it. Only the last of them says what
    /// they bring together: whoever loses the connection between two of them asks for the rest again. While a greeting
    /// is owed there is no number up to which the client has everything.
    fn stamp(&self, (first, before): (usize, Seq), world: &World, frames: &mut Frames<'_>) {
        if !self.options.timepoints || !self.greetings.is_empty() || first == frames.out.len() {
            return;
        }
        let last = frames.out.len() - 1;
        for frame in &mut frames.out[first..last] {
            *frame = encode::with_timepoint(frame, before);
        }
        frames.out[last] = encode::with_timepoint(&frames.out[last], world.timepoint(self.low_water()));
    }

    /// Sends the metadata of paths whose first value is about to be sent.
    fn send_meta_first(
        &mut self,
        paths: impl Iterator<Item = PathId>,
        context: &str,
        source: Option<&str>,
        world: &World,
        now: Now,
        frames: &mut Frames<'_>,
    ) {
        if !self.options.send_meta {
            return;
        }
        let own = *world.model.own_node().name == *context;
        let mut delta: Option<String> = None;
        for path in paths {
            if !self.meta_sent.note(path, own) {
                continue;
            }
            if let Some(json) = world.meta_json(path) {
                push_meta(&mut delta, context, source, world.model.path(path), &json, now);
            }
        }
        if let Some(delta) = delta {
            frames.push(Bytes::from(delta + "]}]}"));
        }
    }
}

fn push_meta(delta: &mut Option<String>, context: &str, source: Option<&str>, path: &str, json: &str, now: Now) {
    let out = if let Some(out) = delta {
        out.push(',');
        out
    } else {
        // STR-16: every update names a source; what is known of a path comes from several, so it is the server's own.
        let source = source.unwrap_or(DEFAULTS_SOURCE);
        let time = now.wall;
        delta.insert(format!(
            "{{\"context\":\"{context}\",\"updates\":[{{\"$source\":\"{source}\",\"timestamp\":\"{time}\",\"meta\":["
        ))
    };
    out.push_str("{\"path\":\"");
    out.push_str(path);
    out.push_str("\",\"value\":");
    out.push_str(json);
    out.push('}');
}

/// The frames of one pump and how much room is left.
struct Frames<'o> {
    out: &'o mut Vec<Bytes>,
    bytes: usize,
    bytes_max: usize,
}

impl Frames<'_> {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.out.push(frame);
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }
}

#[cfg(test)]
mod tests;
