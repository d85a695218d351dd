//! From the layers to a [`Config`]: every table is read, and then what tables say together is looked at.

mod bind;
mod history;
mod input;
mod rules;
mod sentences;
mod server;
mod vessel;

use std::time::Duration;

use super::flags::Flags;
use super::layers::{Effective, Layers, Section};
use super::problem::Problems;
use super::{Ais, Config, Limits, reading};
use crate::kernel::json;

/// The shortest and longest of the times that may be set; what is longer is meant as something else.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Reads everything. The result means something only where there are no problems.
pub fn config(mut layers: Layers, environment: &[(String, String)], flags: &Flags, problems: &mut Problems) -> Config {
    let mut effective = Effective::default();
    let (layers, seen) = (&mut layers, &mut effective);
    let server = server::read(layers, environment, seen, problems);
    let vessel = vessel::read(layers, seen, problems);
    let (inputs, places) = input::read(layers, flags, seen, problems);
    let priorities = rules::priorities(layers, seen, problems);
    let history = history::read(layers, seen, problems);
    let security = rules::security(layers, seen, problems);
    let meta = rules::meta(layers, seen, problems);
    let ais = ais(layers, seen, problems);
    let limits = limits(layers, seen, problems);
    bind::refuse_shared_addresses(&server, &inputs, &places, problems);
    Config { server: server.server, vessel, inputs, priorities, history, security, meta, ais, limits, effective }
}

fn ais(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Ais {
    /// Targets are looked at once a second.
    const AIS_SHORTEST: Duration = Duration::from_secs(1);
    let mut section = layers.section("ais");
    let lost_after = section.optional("lost_after", problems, reading::duration(AIS_SHORTEST..=LONGEST));
    let mut time = |key, section: &mut Section| section.get(key, problems, reading::duration(AIS_SHORTEST..=LONGEST));
    let ais = Ais {
        lost_after,
        lost_class_a: time("lost_class_a", &mut section),
        lost_class_a_at_rest: time("lost_class_a_at_rest", &mut section),
        lost_class_b: time("lost_class_b", &mut section),
        lost_fixed: time("lost_fixed", &mut section),
        lost_aircraft: time("lost_aircraft", &mut section),
        lost_beacon: time("lost_beacon", &mut section),
        lost_weather: time("lost_weather", &mut section),
        leave_after: time("leave_after", &mut section),
    };
    if ais.lost_after.is_some_and(|lost| ais.leave_after < lost) {
        section.refuse_value("leave_after", problems, "not before ais.lost_after");
    }
    section.finish(effective);
    ais
}

fn limits(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Limits {
    let mut section = layers.section("limits");
    let mut limit = |key, range| section.get(key, problems, reading::whole(range)).unsigned_abs() as usize;
    let limits = Limits {
        // Below a kilobyte no subscription fits; above 64 MiB one client could fill a small computer.
        message_bytes: limit("message_bytes", 1024..=67_108_864),
        depth: limit("depth", 4..=json::DEPTH_MAX as i64),
        paths: limit("paths", 100..=1_000_000),
        contexts: limit("contexts", 1..=1_000_000),
        sources: limit("sources", 1..=65_535),
        subscriptions_per_client: limit("subscriptions_per_client", 1..=65_535),
    };
    section.finish(effective);
    limits
}
