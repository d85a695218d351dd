//! A client that believes nothing: it keeps its own view of what it was sent.

mod view;
mod wishes;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use taffrail::kernel::session::{CloseReason, Implied, Options, Pumped, Session};
use taffrail::kernel::time::Moment;
use taffrail::kernel::world::NOTIFICATIONS_KEPT;

use super::Sea;
use super::chance::Chance;
use super::ledger::{Key, members};
use wishes::{Policy, Wish};

/// More than any client here may cost.
const MEMORY_MAX: usize = 512 * 1024;

struct Seen {
    seq: u64,
    at: u64,
    /// How often this very value came.
    count: u32,
    value: Json,
}

pub struct Client {
    options: Options,
    session: Session,
    wishes: Vec<Wish>,
    view: HashMap<Key, Seen>,
    /// Which source's value came last at a path.
    last_source: HashMap<(Arc<str>, Arc<str>), Arc<str>>,
    announced: HashMap<(Arc<str>, Arc<str>), u32>,
    alarms_seen: std::collections::HashSet<u64>,
    alarms_checked: usize,
    greetings: u32,
    wishes_changed: u64,
    budget: usize,
    stalled_until: u64,
    deadline: Option<u64>,
    claimed: u64,
    always_plain: bool,
    trace: bool,
}

impl Client {
    pub fn connect(sea: &Sea, chance: &mut Chance) -> Self {
        let options = Options {
            subscribe: *chance.pick(&[Implied::Own, Implied::All, Implied::None, Implied::None, Implied::None]),
            send_cached: !chance.one_in(3),
            send_meta: chance.one_in(3),
            all_sources: chance.one_in(4),
            timepoints: chance.one_in(2),
            ..Options::default()
        };
        let mut client = Self {
            session: Session::new(options.clone(), &sea.world, Moment::from_millis(sea.now)),
            wishes: Vec::new(),
            view: HashMap::new(),
            last_source: HashMap::new(),
            announced: HashMap::new(),
            alarms_seen: std::collections::HashSet::new(),
            alarms_checked: sea.ledger.notifications.len(),
            greetings: 0,
            wishes_changed: sea.now,
            budget: *chance.pick(&[300, 2_000, 16_384, 16_384, 1 << 20]),
            stalled_until: 0,
            deadline: None,
            claimed: 0,
            always_plain: true,
            trace: std::env::var_os("TAFFRAIL_TRACE").is_some(),
            options,
        };
        let context = match client.options.subscribe {
            Implied::Own => r#""vessels.self""#,
            Implied::All => r#""*""#,
            Implied::None => "",
        };
        if !context.is_empty() {
            client.greetings += 1;
            client.wishes.push(Wish {
                context: context.into(),
                path: "*".into(),
                source: None,
                policy: Policy::Instant { min: 0 },
                announce: false,
                all: client.options.all_sources,
                exclude: None,
                since_ms: sea.now,
                live_from: (!client.options.send_cached).then(|| sea.world.head().0),
                greeted: client.options.send_cached,
            });
        }
        if chance.one_in(2) || client.wishes.is_empty() {
            client.subscribe(sea, chance);
        }
        client
    }

    /// Does one of the odd things that clients do.
    pub fn act(&mut self, sea: &Sea, chance: &mut Chance) {
        match chance.range(0..400) {
            0 => *self = Self::connect(sea, chance),
            1..=3 => self.stalled_until = sea.now + chance.range(0..200_000),
            4..=9 if self.wishes.len() < 8 => self.subscribe(sea, chance),
            10..=14 => self.unsubscribe(sea, chance),
            15 => self.budget = *chance.pick(&[300, 2_000, 16_384, 1 << 20]),
            _ => {}
        }
    }

    pub fn recover(&mut self) {
        self.stalled_until = 0;
    }

    pub fn is_awake(&self, now: u64) -> bool {
        self.stalled_until <= now
    }

    pub fn wakes_at(&self, now: u64) -> bool {
        self.is_awake(now) && self.deadline.is_some_and(|d| d <= now)
    }

    pub fn deadline(&self) -> Option<u64> {
        let due = self.deadline?;
        Some(due.max(self.stalled_until))
    }

    /// Lets the session send, as far as the connection takes it.
    pub fn pump(&mut self, sea: &Sea, chance: &mut Chance) {
        let calls = chance.range(1..6);
        self.pump_calls(sea, calls as u32, chance);
    }

    pub fn pump_to_the_end(&mut self, sea: &Sea, chance: &mut Chance) {
        self.pump_calls(sea, 100_000, chance);
        assert!(self.deadline.is_none_or(|d| d > sea.now));
    }

    fn pump_calls(&mut self, sea: &Sea, calls: u32, chance: &mut Chance) {
        for _ in 0..calls {
            let mut frames = Vec::new();
            let pumped = self.session.pump(&sea.world, &sea.cache, sea.clock(), &mut frames, self.budget);
            assert!(self.session.memory_bytes() < MEMORY_MAX, "{} bytes", self.session.memory_bytes());
            let last = frames.len().saturating_sub(1);
            for (i, frame) in frames.iter().enumerate() {
                self.take(frame, sea, chance.one_in(if i == last { 8 } else { 40 }));
            }
            match pumped {
                Pumped::Missed => panic!("no log was offered"),
                Pumped::More => {
                    assert!(!frames.is_empty(), "more, but nothing now");
                    // It goes on when the connection has taken this.
                    self.deadline = Some(sea.now + 1);
                }
                Pumped::UpToDate { deadline } => {
                    self.deadline = deadline.map(Moment::as_millis);
                    assert!(self.deadline.is_none_or(|d| d > sea.now), "a deadline lies ahead, or the driver spins");
                    self.settled(sea, chance);
                    return;
                }
                Pumped::Close(CloseReason::NotificationsLost) => {
                    let missed = sea.ledger.notifications.len() - self.alarms_checked;
                    assert!(missed > NOTIFICATIONS_KEPT, "closed for {missed} notifications");
                    *self = Self::connect(sea, chance);
                    return;
                }
                Pumped::Close(reason) => panic!("closed: {reason:?}"),
            }
        }
    }

    /// Everything due has been sent.
    fn settled(&mut self, sea: &Sea, chance: &mut Chance) {
        for wish in &mut self.wishes {
            wish.live_from.get_or_insert(sea.world.head().0);
        }
        self.check_alarms(sea);
        if chance.one_in(25) {
            self.check_view(sea);
        }
    }

    fn take(&mut self, frame: &Bytes, sea: &Sea, check_claim: bool) {
        let text = std::str::from_utf8(frame).unwrap();
        if self.trace {
            println!("{} {:p} {text}", sea.now, self);
        }
        let delta: Json = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        if let Some(gap) = delta.get("gap") {
            assert!(gap["from"].as_u64() <= gap["to"].as_u64(), "{text}");
            return;
        }
        let context: Arc<str> = delta["context"].as_str().unwrap().into();
        for update in delta["updates"].as_array().unwrap() {
            if update.get("meta").is_some() {
                continue;
            }
            let source: Arc<str> = update["$source"].as_str().unwrap().into();
            let timestamp = update["timestamp"].as_str().unwrap();
            for item in update["values"].as_array().unwrap() {
                let path: Arc<str> = item["path"].as_str().unwrap().into();
                for (path, value) in members(&path, item["value"].clone()) {
                    self.deliver(&(context.clone(), path, source.clone()), value, timestamp, sea);
                }
            }
        }
        if let Some(claim) = delta.get("timepoint").and_then(Json::as_u64) {
            assert!(claim <= sea.world.head().0 && claim >= self.claimed, "{claim} after {}", self.claimed);
            self.claimed = claim;
            if check_claim {
                self.check_claim(claim, sea);
            }
        }
    }
}
