//! The demo boat: a sailing yacht with instruments and company that needs no hardware, so that a newcomer sees a live boat
//! within a minute.
//!
//! [`Demo`] is a boat's multiplexer as a pure function of a seed, a start and a time: it appends NMEA 0183 bytes in the
//! order in which they would have come down the wire. Inside, [`voyage`] moves the boat in fixed steps, [`traffic`] moves
//! the other ships, and [`receiver`], [`instruments`] and [`ais_sentences`] say what their devices see of it. Nothing here
//! reads a clock or a file, and the bytes do not depend on how the caller cuts the time.
//!
//! What she does: under engine out of the approach to Helsinki, then under sail along the coast towards Porkkala, mostly
//! beating, then back before the wind; and again, for ever.

pub mod ais_sentences;
pub mod boat;
pub mod chance;
pub mod chart;
pub mod helm;
pub mod instruments;
pub mod machinery;
pub mod place;
pub mod receiver;
pub mod roster;
pub mod ship;
pub mod sky;
pub mod traffic;
pub mod voyage;
pub mod weather;

use crate::kernel::time::Timestamp;
use chance::Chance;
use sky::Sky;
use traffic::Traffic;
use voyage::Voyage;

/// What a device looks at when it writes its sentence.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The boat.
    pub voyage: &'a Voyage,
    /// The satellites.
    pub sky: &'a Sky,
    /// Wall time of the last step of the boat.
    pub time: Timestamp,
}

/// A sentence, or several that belong together, sent at regular times.
struct Slot {
    every_ms: u64,
    /// Devices do not start at once: this much later than the others.
    after_ms: u64,
    write: fn(&Scene, &mut Vec<u8>),
}

const fn slot(every_ms: u64, after_ms: u64, write: fn(&Scene, &mut Vec<u8>)) -> Slot {
    Slot { every_ms, after_ms, write }
}

/// Own instruments, at the rates of common devices: some 14 sentences a second without AIS.
const SLOTS: [Slot; 20] = [
    slot(1_000, 0, receiver::rmc),
    slot(1_000, 0, receiver::gga),
    slot(1_000, 0, receiver::vtg),
    slot(5_000, 0, receiver::gll),
    slot(10_000, 0, receiver::zda),
    slot(5_000, 0, receiver::gsv),
    slot(2_000, 50, receiver::rmb),
    slot(500, 100, instruments::hdg),
    slot(500, 150, instruments::mwv_apparent),
    slot(1_000, 200, instruments::mwv_true),
    slot(1_000, 250, instruments::attitude),
    slot(1_000, 300, instruments::vhw),
    slot(1_000, 350, instruments::dpt),
    slot(1_000, 400, instruments::mwd),
    slot(1_000, 450, instruments::rsa),
    slot(1_000, 550, instruments::rot),
    slot(1_000, 700, instruments::rpm),
    slot(5_000, 750, instruments::vlw),
    slot(5_000, 800, slow_water),
    slot(5_000, 850, slow_sensors),
];

fn slow_water(scene: &Scene, out: &mut Vec<u8>) {
    instruments::mtw(scene, out);
    instruments::vdr(scene, out);
}

fn slow_sensors(scene: &Scene, out: &mut Vec<u8>) {
    instruments::machinery(scene, out);
    instruments::air(scene, out);
}

/// The demo boat's multiplexer.
#[derive(Debug, Clone)]
pub struct Demo {
    start: Timestamp,
    voyage: Voyage,
    traffic: Traffic,
    sky: Sky,
    due_ms: [u64; SLOTS.len()],
}

impl Demo {
    /// A demo that begins at the wall time `start`. Equal seeds and starts give equal bytes.
    pub fn new(seed: u64, start: Timestamp) -> Self {
        let mut chance = Chance::new(seed);
        Self {
            start,
            voyage: Voyage::new(&mut chance.fork()),
            traffic: Traffic::new(&mut chance.fork()),
            sky: Sky::new(&mut chance.fork()),
            due_ms: std::array::from_fn(|i| SLOTS[i].after_ms),
        }
    }

    /// When the next sentence is due, in simulated milliseconds since the start.
    pub fn next_due(&self) -> u64 {
        self.due_ms.iter().copied().fold(self.traffic.next_due(), u64::min)
    }

    /// Appends to `out` all that is due up to and including `elapsed_ms`, simulated milliseconds since the start, and not
    /// sent yet: whole lines with CR LF, in time order, about 750 bytes for each second. A time that has passed adds nothing.
    pub fn advance_to(&mut self, elapsed_ms: u64, out: &mut Vec<u8>) {
        loop {
            let due = self.next_due();
            if due > elapsed_ms {
                return;
            }
            self.send_due(due, out);
        }
    }

    fn send_due(&mut self, now_ms: u64, out: &mut Vec<u8>) {
        self.voyage.advance_to(now_ms);
        self.traffic.advance_to(now_ms);
        let time = self.start.plus_millis((now_ms / voyage::STEP_MS * voyage::STEP_MS) as i64);
        let scene = Scene { voyage: &self.voyage, sky: &self.sky, time };
        for (due_ms, slot) in self.due_ms.iter_mut().zip(&SLOTS) {
            if *due_ms <= now_ms {
                *due_ms += slot.every_ms;
                (slot.write)(&scene, out);
            }
        }
        self.traffic.report(now_ms, out);
    }
}

#[cfg(test)]
mod tests;
