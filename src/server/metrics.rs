//! `GET /metrics`: every counter, in the text format that Prometheus reads. Nothing is kept here; the counters of inputs,
//! hub and streams are read when somebody asks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State as Extract;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::driver::Ended;
use super::{Shared, headers};
#[cfg(feature = "history")]
use crate::history::status::{State as Recording, Status as Recorder};
use crate::input::status::{InputReport, State};
#[cfg(feature = "history")]
use crate::kernel::time::Moment;

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Writes all metrics.
pub async fn metrics(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let mut registry = Registry::with_prefix("taffrail");
    registry.register_collector(Box::new(Reading(shared)));
    let mut body = String::with_capacity(8 * 1024);
    match text::encode(&mut body, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], body).into_response(),
        Err(_) => headers::error(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written"),
    }
}

#[derive(Debug)]
struct Reading(Arc<Shared>);

/// Name without `_total`, what it means, where it is.
type InputCounter = (&'static str, &'static str, fn(&InputReport) -> u64);

/// What is counted for each input. [`crate::nmea0183::Counters`] has one of these for each of its fields; a test holds that.
const INPUT_COUNTERS: [InputCounter; 13] = [
    ("input_bytes", "Bytes that came in", |r| r.counters.bytes),
    ("input_sentences", "Lines with the frame of a sentence, good or bad", |r| r.counters.sentences),
    ("input_understood", "Sentences or deltas that were understood", |r| r.counters.understood),
    ("input_nothing", "Good sentences that say nothing new", |r| r.counters.nothing),
    ("input_void", "Sentences whose sender says that the data is not valid", |r| r.counters.void),
    ("input_unknown", "Good sentences of a kind that is not known", |r| r.counters.unknown),
    ("input_bad_checksum", "Sentences whose checksum is wrong", |r| r.counters.bad_checksum),
    ("input_malformed", "Sentences that are not as their kind should be", |r| r.counters.malformed),
    ("input_noise_bytes", "Bytes that belong to no sentence", |r| r.counters.noise_bytes),
    ("input_bad_tag_blocks", "Tag blocks whose checksum is wrong", |r| r.counters.bad_tag_blocks),
    ("input_dropped_updates", "Updates thrown away because the server could not keep up", |r| r.dropped_updates),
    ("input_reconnects", "Connections after the first", |r| r.reconnects),
    ("input_turned_away", "Clients or senders that were too many", |r| r.turned_away),
];

impl Collector for Reading {
    fn encode(&self, mut out: DescriptorEncoder) -> fmt::Result {
        let Self(shared) = self;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.inputs(&mut out)?;

        let hub = &shared.hub_counters;
        counter(&mut out, "hub_batches", "Batches applied", count(&hub.batches))?;
        counter(&mut out, "hub_changes", "Changes made", count(&hub.changes))?;
        counter(&mut out, "hub_refused", "Values and updates refused", count(&hub.refused))?;
        counter(&mut out, "hub_rounds", "Rounds of the hub's loop", count(&hub.rounds))?;
        gauge(&mut out, "hub_head", "Number of the newest change", shared.feed.head() as f64)?;

        let streams = &shared.counters;
        gauge(&mut out, "streams_open", "Streams open now", count(&streams.open) as f64)?;
        counter(&mut out, "streams_opened", "Streams opened", count(&streams.opened))?;
        counter(&mut out, "stream_frames", "Frames handed to streams", count(&streams.frames))?;
        counter(
            &mut out,
            "stream_conflated",
            "Values replaced by newer ones on slow streams",
            count(&streams.conflated),
        )?;
        counter(
            &mut out,
            "streams_over_limit",
            "Streams refused to an address with too many",
            count(&streams.over_limit),
        )?;
        counter(&mut out, "stream_issues", "Things from clients that could not be used", count(&streams.issues))?;
        let ended = streams.ended.iter().zip(Ended::KINDS).map(|(n, why)| (("reason", why), count(n)));
        family(&mut out, "streams_ended", "Streams ended, by reason", ended)?;

        let (contexts, paths, sources) = {
            let world = shared.feed.read();
            (world.model.context_count(), world.model.paths().len(), world.model.sources().len())
        };
        gauge(&mut out, "model_contexts", "Vessels and other contexts that are known", contexts as f64)?;
        gauge(&mut out, "model_paths", "Different paths, over all contexts", paths as f64)?;
        gauge(&mut out, "model_sources", "Sources", sources as f64)?;

        #[cfg(feature = "history")]
        if let Some(history) = &shared.history {
            recorder(&mut out, &history.status.get(), shared.clock.now().mono)?;
        }

        let clock = shared.clock.verdict();
        gauge(&mut out, "clock_trusted", "Whether the wall clock is trusted", f64::from(u8::from(clock.trusted)))?;
        let correction = clock.correction_ms as f64 / 1_000.0;
        gauge(&mut out, "clock_correction_seconds", "Added to what the clock of the machine shows", correction)?;
        counter(&mut out, "clock_steps", "Times that the clock of the machine was set", clock.steps)?;

        let uptime_ms = shared.clock.now().mono.since(shared.health.started());
        gauge(&mut out, "uptime_seconds", "Time since the start", uptime_ms as f64 / 1_000.0)?;
        if let Some(bytes) = resident_bytes() {
            gauge(&mut out, "process_resident_memory_bytes", "Memory in use (VmRSS)", bytes as f64)?;
        }
        Ok(())
    }
}

impl Reading {
    fn inputs(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let now = self.0.clock.now().mono;
        let reports: Vec<(Arc<str>, InputReport)> =
            self.0.inputs().iter().map(|input| (input.name().clone(), input.report())).collect();
        let of = |name: &Arc<str>| ("input", name.to_string());
        for (name, help, read) in INPUT_COUNTERS {
            family(out, name, help, reports.iter().map(|(input, report)| (of(input), read(report))))?;
        }
        let up = reports.iter().map(|(input, report)| {
            let running = matches!(report.state, State::Running { .. });
            (of(input), f64::from(u8::from(running)))
        });
        gauges(out, "input_up", "Whether the input is connected", up)?;
        let heard = reports
            .iter()
            .filter_map(|(input, report)| Some((of(input), now.since(report.last_heard?) as f64 / 1_000.0)));
        gauges(out, "input_last_heard_age_seconds", "Time since the last byte", heard)
    }
}

/// The recorder.
#[cfg(feature = "history")]
fn recorder(out: &mut DescriptorEncoder, status: &Recorder, now: Moment) -> fmt::Result {
    counter(out, "history_records", "Records made durable", status.records)?;
    counter(out, "history_lost", "Records lost; each is covered by a gap", status.lost)?;
    counter(out, "history_left_out", "Records left out by the policy or to save writing", status.left_out)?;
    counter(out, "history_refused", "Records out of order or too large", status.refused)?;
    counter(out, "history_sentences", "Sentences made durable", status.sentences)?;
    counter(out, "history_sentences_lost", "Sentences lost, or left out to save writing", status.sentences_lost)?;
    counter(out, "history_commits", "Commits of the log", status.commits)?;
    counter(out, "history_seals", "Windows sealed", status.seals)?;
    counter(out, "history_damaged_blobs", "Blobs that did not match their checksum", status.damaged_blobs)?;
    let up = f64::from(u8::from(status.state == Recording::Recording && status.stalled_ms(now).is_none()));
    gauge(out, "history_up", "Whether it is being recorded", up)?;
    gauge(out, "history_used_bytes", "Bytes of the database in use", status.used_bytes as f64)?;
    let interval = status.commit_interval_ms as f64 / 1_000.0;
    gauge(out, "history_commit_interval_seconds", "What a power cut may lose", interval)?;
    gauge(out, "history_economy", "Steps taken to stay within max_mb_per_day", status.economy as f64)?;
    if let Some(bytes) = status.bytes_per_day {
        gauge(out, "history_bytes_per_day", "Bytes written a day, at the rate of the last hour", bytes as f64)?;
    }
    if let Some(seq) = status.durable_seq {
        gauge(out, "history_durable", "Number of the newest change on the disk", seq as f64)?;
    }
    if let Some(bytes) = status.free_bytes {
        gauge(out, "history_free_bytes", "Bytes free on its disk", bytes as f64)?;
    }
    Ok(())
}

fn counter(out: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(out.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn gauge(out: &mut DescriptorEncoder, name: &str, help: &str, value: f64) -> fmt::Result {
    ConstGauge::new(value).encode(out.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// Counters of one name, each with a label and what stands there.
fn family<L: AsRef<str>>(
    out: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    values: impl Iterator<Item = ((&'static str, L), u64)>,
) -> fmt::Result {
    let mut family = out.encode_descriptor(name, help, None, MetricType::Counter)?;
    for ((label, text), value) in values {
        ConstCounter::new(value).encode(family.encode_family(&[(label, text.as_ref())])?)?;
    }
    Ok(())
}

/// The same for gauges.
fn gauges<L: AsRef<str>>(
    out: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    values: impl Iterator<Item = ((&'static str, L), f64)>,
) -> fmt::Result {
    let mut family = out.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for ((label, text), value) in values {
        ConstGauge::new(value).encode(family.encode_family(&[(label, text.as_ref())])?)?;
    }
    Ok(())
}

/// Memory that this process holds, from `/proc` (Linux alone has it).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::status::InputStatus;
    use crate::nmea0183::Counters;

    #[test]
    fn every_counter_of_an_input_is_there_once() {
        // Written out in full: a new field does not compile until it is a metric, too.
        let counters = Counters {
            bytes: 1,
            sentences: 2,
            understood: 3,
            nothing: 4,
            void: 5,
            unknown: 6,
            bad_checksum: 7,
            malformed: 8,
            noise_bytes: 9,
            bad_tag_blocks: 10,
        };
        let report = InputReport {
            counters,
            dropped_updates: 11,
            reconnects: 12,
            turned_away: 13,
            ..InputStatus::new("gps".into()).report()
        };
        let values: Vec<u64> = INPUT_COUNTERS.iter().map(|(_, _, read)| read(&report)).collect();
        assert_eq!(values, (1..=13).collect::<Vec<u64>>());
    }
}
