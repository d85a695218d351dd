//! The recorder as the hub's feeder sees it: a handle, a bounded channel, and the writer's thread behind it.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::disk::{Disk, SystemDisk};
use super::record::{Epoch, Gap, GapReason, Record};
use super::sentences::Inbox;
use super::status::{SharedStatus, Status};
use super::tail::Tail;
use super::writer::{Config, Writer};
use crate::kernel::time::Now;

/// Messages that wait for the writer. A feeder that sends ten batches and four ticks a second bridges half a minute in which
/// the card does not answer; then it waits itself.
const CHANNEL: usize = 512;

/// Records in them: 4 MB. One batch is taken always.
const CHANNEL_RECORDS: usize = 32_768;

/// Stack of the writer's thread in bytes: SQLite and zstd need less than a tenth.
const STACK_BYTES: usize = 512 << 10;

enum Message {
    Batch(Vec<Record>),
    Gap(Gap),
    Epoch(Epoch),
    Tick(Now, bool),
    Flush(SyncSender<bool>),
    Stop,
}

/// The recorder. Nothing here ever waits for the disk, except [`Recorder::flush`] and [`Recorder::stop`].
#[derive(Debug)]
pub struct Recorder {
    sender: SyncSender<Message>,
    /// Records in the channel.
    waiting: Arc<AtomicUsize>,
    /// What could not be sent, until it can be said.
    missed: Mutex<Option<Gap>>,
    status: SharedStatus,
    tail: Tail,
    inbox: Inbox,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts the writer's thread. The database is opened there, at the first tick; a database that cannot be opened shows
    /// in the status and is tried again.
    pub fn start(config: Config) -> io::Result<Self> {
        let disk = Box::new(SystemDisk::new(&config.directory));
        Self::start_with(config, disk)
    }

    /// The same with another view of the disk.
    pub fn start_with(config: Config, disk: Box<dyn Disk>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(CHANNEL);
        let (status, tail) = (SharedStatus::default(), Tail::default());
        let inbox = Inbox::default();
        let writer = Writer::new(config, disk, status.clone(), tail.clone()).with_sentences(inbox.clone());
        let waiting = Arc::new(AtomicUsize::new(0));
        let taken = waiting.clone();
        let thread = std::thread::Builder::new()
            .name("history".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || run(writer, &receiver, &taken))?;
        Ok(Self { sender, waiting, missed: Mutex::new(None), status, tail, inbox, thread: Some(thread) })
    }

    /// Hands over a batch, in order of `seq`. Never waits: when the channel is full the batch is lost, and a gap that says
    /// so goes before the next one that fits. False when it was lost.
    pub fn offer(&self, records: Vec<Record>) -> bool {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return true };
        let gap = Gap {
            first_seq: first.seq,
            last_seq: last.seq,
            from: first.received,
            to: last.received,
            reason: GapReason::Overrun,
        };
        let count = records.len() as u64;
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        let told = missed.is_none_or(|gap| self.sender.try_send(Message::Gap(gap)).is_ok());
        if told {
            *missed = None;
            if self.try_offer(records).is_ok() {
                return true;
            }
        }
        *missed = Some(missed.map_or(gap, |earlier| Gap { first_seq: earlier.first_seq, from: earlier.from, ..gap }));
        self.status.update(|s| s.lost += count);
        false
    }

    /// Hands over a batch if there is room for it; gives it back otherwise. For a feeder that can come again.
    pub fn try_offer(&self, records: Vec<Record>) -> Result<(), Vec<Record>> {
        if records.is_empty() {
            return Ok(());
        }
        let count = records.len();
        let before = self.waiting.load(Ordering::Acquire);
        if before > 0 && before + count > CHANNEL_RECORDS {
            return Err(records);
        }
        // Counted before it is sent, since the writer takes it off at once.
        self.waiting.fetch_add(count, Ordering::AcqRel);
        self.sender.try_send(Message::Batch(records)).map_err(|error| {
            self.waiting.fetch_sub(count, Ordering::AcqRel);
            match error {
                TrySendError::Full(Message::Batch(records)) | TrySendError::Disconnected(Message::Batch(records)) => {
                    records
                }
                TrySendError::Full(_) | TrySendError::Disconnected(_) => Vec::new(),
            }
        })
    }

    /// Takes note of a gap that the feeder knows of. False when the channel is full: say it again.
    pub fn gap(&self, gap: Gap) -> bool {
        self.sender.try_send(Message::Gap(gap)).is_ok()
    }

    /// Takes note that the clock was set or became trusted. False when the channel is full: say it again.
    pub fn epoch(&self, epoch: Epoch) -> bool {
        self.sender.try_send(Message::Epoch(epoch)).is_ok()
    }

    /// Tells the time, some times a second: commits, seals and everything else happen at ticks only. A tick that finds the
    /// channel full is left out; the next one does its work.
    pub fn tick(&self, now: Now, trusted_wall: bool) {
        let _ = self.sender.try_send(Message::Tick(now, trusted_wall));
    }

    /// Waits until everything handed over so far is durable. False when it is not: see the status.
    pub fn flush(&self) -> bool {
        let (reply, answer) = sync_channel(1);
        self.sender.send(Message::Flush(reply)).is_ok() && answer.recv().unwrap_or(false)
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        self.status.get()
    }

    /// What is not yet durable, for [`super::reader::Reader::open`].
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Where sentences go that are to be kept as they came.
    pub fn sentences(&self) -> Inbox {
        self.inbox.clone()
    }

    /// The status as a handle of its own.
    pub fn shared_status(&self) -> SharedStatus {
        self.status.clone()
    }

    /// Commits what is left and waits for the thread to end.
    pub fn stop(mut self) {
        self.join();
    }

    fn join(&mut self) {
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(gap) = missed {
            let _ = self.sender.send(Message::Gap(gap));
        }
        let _ = self.sender.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.join();
        }
    }
}

fn run(mut writer: Writer, receiver: &Receiver<Message>, waiting: &AtomicUsize) {
    // After a slow commit several ticks wait, with batches between them. Only the last counts, after all that came before:
    // then one commit brings everything up to date, and a power cut costs no more than it has to.
    let mut tick = None;
    let mut passed = 0;
    loop {
        let next = match tick {
            None => receiver.recv().ok(),
            // A feeder that never pauses must not put off the tick for ever.
            Some(_) if passed < CHANNEL => receiver.try_recv().ok(),
            Some(_) => None,
        };
        let message = match (next, tick.take()) {
            (None, Some((now, trusted))) => {
                writer.tick(now, trusted);
                passed = 0;
                continue;
            }
            (message, waiting_tick) => {
                tick = waiting_tick;
                passed += usize::from(tick.is_some());
                message
            }
        };
        match message {
            Some(Message::Batch(records)) => {
                waiting.fetch_sub(records.len(), Ordering::AcqRel);
                writer.batch(records);
            }
            Some(Message::Gap(gap)) => writer.gap(gap),
            Some(Message::Epoch(epoch)) => writer.epoch(epoch),
            Some(Message::Tick(now, trusted)) => tick = Some((now, trusted)),
            Some(Message::Flush(reply)) => {
                if let Some((now, trusted)) = tick.take() {
                    writer.tick(now, trusted);
                }
                let _ = reply.send(writer.flush());
            }
            Some(Message::Stop) | None => break,
        }
    }
    if let Some((now, trusted)) = tick {
        writer.tick(now, trusted);
    }
    writer.stop();
}
