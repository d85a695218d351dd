//! The controls of a playback, as the client of it holds them.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::kernel::id::Seq;
use crate::kernel::json as wire;
use crate::kernel::time::Timestamp;

/// What a client wants of its playback; what is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Command {
    /// How many times as fast as it was.
    pub rate: Option<f64>,
    /// Where to go on.
    pub seek: Option<Timestamp>,
    /// Stand, or go on.
    pub pause: Option<bool>,
}

#[derive(Deserialize)]
struct Wire {
    rate: Option<f64>,
    seek: Option<String>,
    pause: Option<bool>,
}

impl Command {
    /// Reads the object in `{"playback":…}`; `Err` with a sentence for the client.
    pub fn read(raw: &RawValue) -> Result<Self, String> {
        let usage = "playback: an object of rate (a number), seek (a time) and pause (true or false) is expected";
        let Wire { rate, seek, pause } = wire::object(raw.get()).ok_or(usage)?;
        let seek = match seek {
            Some(text) => Some(Timestamp::parse(&text).ok_or_else(|| format!("playback: seek: {text} is not a time"))?),
            None => None,
        };
        Ok(Self { rate, seek, pause })
    }
}

/// How a playback stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// Where the recording stands.
    pub time: Timestamp,
    /// How many times as fast as it was.
    pub rate: f64,
    /// Whether it stands.
    pub paused: bool,
    /// After a seek: what came up to here is not to be sent any more.
    pub skip_to: Option<Seq>,
}

impl State {
    /// The message that says so.
    pub fn to_json(self) -> serde_json::Value {
        json!({"playback": {"time": self.time.to_string(), "rate": self.rate, "paused": self.paused}})
    }
}

/// A command and where its answer goes.
pub type Order = (Command, oneshot::Sender<Result<State, String>>);

/// Something to be told in its place between the deltas.
#[derive(Debug)]
pub struct Notice {
    /// After this change.
    pub after: Seq,
    /// The message; `None` where only the place matters.
    pub frame: Option<Bytes>,
    /// Whoever gives it goes on when it is on its way.
    pub taken: oneshot::Sender<()>,
}

/// The client's end of a playback.
#[derive(Debug)]
pub struct Remote {
    orders: mpsc::Sender<Order>,
}

/// The client's end of what it is told between the deltas.
#[derive(Debug)]
pub struct Notices {
    receiver: mpsc::Receiver<Notice>,
    held: Option<Notice>,
}

/// The player's end.
#[derive(Debug)]
pub struct Deck {
    /// What the client wants.
    pub orders: mpsc::Receiver<Order>,
    /// What it is told.
    pub notices: mpsc::Sender<Notice>,
}

/// Both ends. A client waits for the answer to an order before it reads on, and the player for a notice to be taken, so
/// there is never more than one of each.
pub fn remote() -> (Remote, Notices, Deck) {
    let (to_deck, orders) = mpsc::channel(1);
    let (to_client, notices) = notices();
    (Remote { orders: to_deck }, notices, Deck { orders, notices: to_client })
}

/// Both ends of the notices alone.
pub fn notices() -> (mpsc::Sender<Notice>, Notices) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Notices { receiver, held: None })
}

impl Remote {
    /// Gives an order; comes back with how the playback stands then.
    pub async fn order(&self, command: Command) -> Result<State, String> {
        let (answer, answered) = oneshot::channel();
        let ended = || "playback: it has ended".to_owned();
        self.orders.send((command, answer)).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Notices {
    /// The next message, when the client has been served up to `cursor`. Nothing is lost when this is dropped half-way.
    pub async fn next(&mut self, cursor: Seq) -> Bytes {
        loop {
            if self.held.is_none() {
                self.held = self.receiver.recv().await;
            }
            match self.held.take_if(|notice| notice.after <= cursor) {
                Some(notice) => {
                    let _ = notice.taken.send(());
                    if let Some(frame) = notice.frame {
                        return frame;
                    }
                }
                None => return std::future::pending().await,
            }
        }
    }
}
