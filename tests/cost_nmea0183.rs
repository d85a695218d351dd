//! What sentences cost, whatever is in them, without a clock: allocations for one sentence, bytes and list entries that are
//! looked at for it, memory held by a decoder, and values and text that come out of so many bytes. Every one has a bound.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use std::cell::RefCell;

use allocation_counter::{AllocationInfo, measure};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use taffrail::kernel::update::Update;
use taffrail::nmea0183::framer::LINE_BYTES_MAX;
use taffrail::nmea0183::{Decoder, Options, delta_text};
use taffrail::steps;

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

/// Steps of one line at the most ([`taffrail::steps`]): thirty-two for each byte of the longest line there is (about half of
/// that is seen), and four times as many for the last line of a route, whose names are each looked up among the waypoints
/// that were sent.
const STEPS_PER_LINE_MAX: u64 = 32 * LINE_BYTES_MAX as u64;
const STEPS_OF_ROUTE_MAX: u64 = 4 * STEPS_PER_LINE_MAX;

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
    /// Steps of the newest line; `None` where they are not counted.
    steps: Option<u64>,
}

impl Device {
    /// Has decoded something already, so that what it keeps for good is there.
    fn new() -> Self {
        let mut device =
            Self { decoder: Decoder::new(Options::default()), out: Vec::with_capacity(64), held: 0, steps: None };
        let overlong = format!("$GPXXX,{}", "x".repeat(1500));
        for line in [RMC, AIS_POSITION, &overlong] {
            device.feed(line.as_bytes());
        }
        device
    }

    /// Feeds a line and its end, and says what that allocated. Its updates are in `out` until the next one.
    fn feed(&mut self, line: &[u8]) -> AllocationInfo {
        let mut steps = None;
        let cost = measure(|| {
            steps = steps::counted(|| {
                self.out.clear();
                self.decoder.feed(line, now(), &mut self.out);
                self.decoder.feed(b"\r\n", now(), &mut self.out);
            });
        });
        self.steps = steps;
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
        let taken = self.steps.unwrap_or(0);
        let allowed = if ends_route { STEPS_OF_ROUTE_MAX } else { STEPS_PER_LINE_MAX };
        prop_assert!(taken <= allowed, "{taken} steps: {shown}");
        most.steps[usize::from(ends_route)] = most.steps[usize::from(ends_route)].max(taken);
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
    steps: [u64; 2],
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

/// Lines that make a decoder look at as much as can be: each is as long as a line may be.
#[test]
fn the_dearest_lines_take_no_more_steps_than_any() {
    let full = |unit: &str| unit.repeat(1024 / unit.len());
    let sealed = |body: &str| hostile::sealed('$', &body[..body.len().min(1000)]);
    let lines = [
        full("$"),
        full("\\"),
        full("!A,"),
        full("$GPRM"),
        full("\\*AA$"),
        format!("\\{}", full("*AA$")),
        format!("$GPZDA,{}", full("\\*AA")),
        full("\\s:a*12\\"),
        sealed(&format!("GPTXT,01,01,01,{}", full("^21"))),
        sealed(&format!("YXXDR,{}", full("U,1,V,Z,"))),
        sealed(&format!("GPRMC,{}", full("9"))),
        sealed(&full("GPGGA,")),
        hostile::sealed('!', &format!("AIVDM,1,1,,A,{},0", &full("0")[..170])),
    ];
    let mut device = Device::new();
    let mut most = 0;
    for line in &lines {
        device.feed(line.as_bytes());
        let Some(steps) = device.steps else {
            println!("skipped: steps are counted in builds with debug assertions only");
            return;
        };
        assert!(steps >= line.len() as u64 / 2, "{steps} steps cannot be all of {line}");
        assert!(steps <= STEPS_PER_LINE_MAX, "{steps} steps: {line}");
        most = most.max(steps);
    }
    println!("the most steps of a line: {most}");
    // A route of as many names as fit its lines, all of them known and all of them at the end of the list.
    let name = |n: usize| format!("W{n:03}");
    for n in 0..256 {
        device.feed(hostile::sealed('$', &format!("GPWPL,4917.16,N,12310.64,W,{}", name(n))).as_bytes());
    }
    let parts = 4;
    let mut dearest = 0;
    for part in 1..=parts {
        let names: Vec<String> = (0..60).map(|n| name(255 - n)).collect();
        let body = format!("GPRTE,{parts},{part},c,R,{}", names.join(","));
        device.feed(hostile::sealed('$', &body).as_bytes());
        dearest = dearest.max(device.steps.unwrap_or(0));
    }
    println!("the most steps of a route: {dearest}");
    assert!((10_000..=STEPS_OF_ROUTE_MAX).contains(&dearest), "{dearest}");
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
