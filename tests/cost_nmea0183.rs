//! What sentences cost, whatever is in them, without a clock: allocations for one sentence, memory held by a decoder, and
//! values and text that come out of so many bytes. Every one has a bound.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use std::cell::RefCell;

use allocation_counter::{AllocationInfo, measure};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use taffrail::kernel::update::Update;
use taffrail::nmea0183::{Decoder, Options, delta_text};

mod corpus;
mod hostile;
use corpus::now;

/// Allocations that one line makes at the most, and the bytes that all of them together ask for: alone, or with its group
/// of satellites or the parts of its message.
const ALLOCATIONS_PER_LINE_MAX: u64 = 32;
const BYTES_PER_LINE_MAX: u64 = 32 << 10;

/// The same for a line of a route: with the last one it is published with all its waypoints.
const ALLOCATIONS_OF_ROUTE_MAX: u64 = 1000;
const BYTES_OF_ROUTE_MAX: u64 = 512 << 10;

/// Bytes that a decoder holds at the most, whatever it was fed.
const BYTES_HELD_MAX: i64 = 512 << 10;

/// Values of one line at the most.
const VALUES_PER_LINE_MAX: usize = 64;

/// Bytes of deltas for one byte of sentences at the most, and what a stream may give beyond that. Weather in AIS has forty
/// values, each with its path, in sixty characters.
const TEXT_PER_BYTE_MAX: usize = 64;
const TEXT_BEYOND_MAX: usize = 4096;

/// One decoder and the list that its updates go to, as an input has them.
struct Device {
    decoder: Decoder,
    out: Vec<Update>,
    /// Bytes allocated and not given back since the first line.
    held: i64,
}

impl Device {
    /// Has decoded something already, so that what it keeps for good is there.
    fn new() -> Self {
        let mut device = Self { decoder: Decoder::new(Options::default()), out: Vec::with_capacity(64), held: 0 };
        let overlong = format!("$GPXXX,{}", "x".repeat(1500));
        for line in [RMC, AIS_POSITION, &overlong] {
            device.feed(line.as_bytes());
        }
        device
    }

    /// Feeds a line and its end, and says what that allocated. Its updates are in `out` until the next one.
    fn feed(&mut self, line: &[u8]) -> AllocationInfo {
        let cost = measure(|| {
            self.out.clear();
            self.decoder.feed(line, now(), &mut self.out);
            self.decoder.feed(b"\r\n", now(), &mut self.out);
        });
        self.held += cost.bytes_current;
        cost
    }

    /// Feeds a line and compares what it cost and gave with the bounds.
    fn check(&mut self, line: &[u8], ends_route: bool, most: &mut Most) -> TestCaseResult {
        let cost = self.feed(line);
        let shown = String::from_utf8_lossy(line);
        let (allocations, bytes) = if ends_route {
            (ALLOCATIONS_OF_ROUTE_MAX, BYTES_OF_ROUTE_MAX)
        } else {
            (ALLOCATIONS_PER_LINE_MAX, BYTES_PER_LINE_MAX)
        };
        prop_assert!(cost.count_total <= allocations && cost.bytes_total <= bytes, "{cost:?}: {shown}");
        let seen = &mut most.costs[usize::from(ends_route)];
        *seen = (seen.0.max(cost.count_total), seen.1.max(cost.bytes_total));
        let values = self.out.iter().map(|update| update.values.len()).sum();
        prop_assert!(values <= VALUES_PER_LINE_MAX, "{values} values: {shown}");
        most.values = most.values.max(values);
        prop_assert!(self.held <= BYTES_HELD_MAX, "{} bytes held: {shown}", self.held);
        most.held = most.held.max(self.held);
        Ok(())
    }
}

/// The most that was seen, for the eye: a bound far from it says nothing.
#[derive(Debug, Default)]
struct Most {
    /// Allocations and bytes of a line, and of the last line of a route.
    costs: [(u64, u64); 2],
    held: i64,
    values: usize,
    text_per_byte: usize,
}

const RMC: &str = "$GPRMC,085412.000,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,,,A*65";
const AIS_POSITION: &str = "!AIVDM,1,1,,A,13aDoQP01sbl;`AdWd03CBlt0000,0*44";

#[test]
fn what_comes_every_second_costs_one_allocation() {
    let refused = RMC.replace("*65", "*66");
    let table = [
        (RMC, 1),
        ("$GPGLL,4916.45,N,12311.12,W,225444,A,A*5C", 1),
        ("$IIGGA,172814,3723.46587704,N,12202.26957864,W,2,6,1.2,18.893,M,-25.669,M,2.0,0031*46", 1),
        ("$GPVTG,360.0,T,348.7,M,000.0,N,000.0,K*43", 1),
        ("$IIMWV,338,R,13.41,N,A*2C", 1),
        ("$INHDG,180,5,E,10,W*7F", 1),
        ("$SDDPT,4.1,1.0*53", 1),
        ("$IIVHW,182.7,T,181.8,M,0.0,N,0.0,K*59", 1),
        // AIS: positions of class A, class B and a base station.
        (AIS_POSITION, 1),
        ("!AIVDM,1,1,,A,B3aDp3h0?Nidi@H8ubRaf765h000,0*62", 1),
        ("!AIVDM,1,1,,A,402E341vQWdN?s6k51PSnb700000,0*24", 1),
        // Nothing to say: empty, refused, unknown, noise.
        ("$IIVHW,,,,,,,,*49", 0),
        (refused.as_str(), 0),
        ("$IIZZZ,1*47", 0),
        ("hello", 0),
    ];
    let mut device = Device::new();
    for (line, expected) in table {
        device.feed(line.as_bytes());
        let cost = device.feed(line.as_bytes());
        assert_eq!(cost.count_total, expected, "{line}: {cost:?}");
    }
}

#[test]
fn every_line_and_every_stream_stays_within_the_bounds() {
    let line = || hostile::line().prop_map(|line| vec![line]);
    let group = || hostile::group().prop_map(|lines| lines.into_iter().map(String::into_bytes).collect());
    let lines = prop::collection::vec(prop_oneof![9 => line(), 1 => group()], 1..60);
    // What the second one holds must not grow with all that it has heard.
    let old = RefCell::new(Device::new());
    let most = RefCell::new(Most::default());
    let checked = TestRunner::default().run(&lines, |groups| {
        let (mut young, mut old, mut most) = (Device::new(), old.borrow_mut(), most.borrow_mut());
        let (mut bytes_in, mut text_out) = (0, 0);
        for line in groups.iter().flatten() {
            let ends_route = line.windows(4).any(|at| at == b"RTE,");
            young.check(line, ends_route, &mut most)?;
            old.check(line, ends_route, &mut most)?;
            bytes_in += line.len() + 2;
            text_out += young.out.iter().map(|update| delta_text::delta(update).len()).sum::<usize>();
            let bound = TEXT_PER_BYTE_MAX * bytes_in + TEXT_BEYOND_MAX;
            prop_assert!(text_out <= bound, "{text_out} bytes of {bytes_in}: {}", String::from_utf8_lossy(line));
            most.text_per_byte = most.text_per_byte.max(text_out.saturating_sub(TEXT_BEYOND_MAX) / bytes_in);
        }
        Ok(())
    });
    println!("the most that was seen: {:?}", most.borrow());
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}
