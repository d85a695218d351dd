//! `[history]` and its rules.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::SHORTEST;
use crate::config::layers::{Effective, Layers, Reading};
use crate::config::problem::Problems;
use crate::config::raw::Raw;
use crate::config::{History, Keep, RecordContext, RecordRule, reading};

const DAY: Duration = Duration::from_secs(86_400);
/// What is kept for less than an hour was meant as something else: values are sealed, merged and dropped by the hour.
const KEPT: RangeInclusive<Duration> = Duration::from_secs(3_600)..=Duration::from_secs(100 * 366 * 86_400);
/// A log of less than two windows would be gone before it is sealed; one of a month is larger than what it was sealed into.
const LOGGED: RangeInclusive<Duration> = Duration::from_secs(1_200)..=Duration::from_secs(31 * 86_400);

pub fn read(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> History {
    let mut section = layers.section("history");
    let interval = SHORTEST..=Duration::from_secs(3600);
    let history = History {
        enabled: section.get("enabled", problems, reading::switch),
        path: section.optional("path", problems, reading::path),
        commit_interval: section.get("commit_interval", problems, reading::duration(interval)),
        max_size: section.get("max_size", problems, reading::size),
        keep_free: section.get("keep_free", problems, reading::size),
        max_mb_per_day: section
            .optional("max_mb_per_day", problems, reading::whole(1..=1_000_000))
            .and_then(|megabytes| u32::try_from(megabytes).ok()),
        keep_for: section.optional("keep_for", problems, reading::duration(KEPT)),
        keep_others_for: section.optional("keep_others_for", problems, reading::duration(KEPT)),
        log_for: section.get("log_for", problems, reading::duration(LOGGED)),
        sentences: section.get("sentences", problems, reading::switch),
        rules: Vec::new(),
    };
    if history.keep_for.zip(history.keep_others_for).is_some_and(|(all, others)| others > all) {
        section.refuse_value("keep_others_for", problems, "not longer than history.keep_for");
    }
    section.finish(effective);
    History { rules: rules(layers, effective, problems), ..history }
}

fn rules(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Vec<RecordRule> {
    let mut all = Vec::new();
    for mut section in layers.elements("history.rule", problems) {
        let context = section.get("context", problems, context);
        let path = section.get("path", problems, reading::signalk_path);
        section.label(&path);
        let keep = section.required("keep", problems, keep);
        if let Some(keep) = keep {
            all.push(RecordRule { context, path, keep });
            section.finish(effective);
        }
    }
    all
}

fn context(raw: &Raw) -> Reading<RecordContext> {
    let accept = |text: &str| !text.contains(char::is_whitespace);
    let expected = "\"self\", \"others\", or a pattern of contexts such as \"vessels.*\" or \"atons.*\"";
    reading::text_if(accept, expected)(raw).map(|text| match &*text {
        "self" | "vessels.self" => RecordContext::Own,
        "others" => RecordContext::Others,
        _ => RecordContext::Pattern(text),
    })
}

fn keep(raw: &Raw) -> Reading<Keep> {
    match raw {
        Raw::Text(text) if text == "all" => Ok(Keep::All),
        Raw::Text(text) if text == "none" => Ok(Keep::Nothing),
        _ => reading::duration(SHORTEST..=DAY)(raw)
            .map(Keep::OneIn)
            .map_err(|expected| format!("\"all\", \"none\", or {expected}").into()),
    }
}
