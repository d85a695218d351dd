//! What a client asks of the history: a range of time, paths with how to aggregate them, a resolution (history API of Signal
//! K v2). Texts in, a question out; the time of day is an argument.

use std::collections::HashMap;

use super::lengths::{DAY_MS, SECOND_MS, duration_ms};
use crate::kernel::time::Timestamp;

pub use super::lengths::resolution_ms;

/// Columns that one question may ask for.
pub const COLUMNS_MAX: usize = 64;

/// Cells (rows times columns) of one answer. A question for more is refused with the resolution that would do.
pub const CELLS_MAX: i64 = 200_000;

/// About how many rows an answer has when the client leaves the resolution to the server: the width of a chart.
const ROWS_WANTED: i64 = 500;

/// Samples of a moving average that says none itself.
const SMA_SAMPLES: usize = 5;

/// Weight of the newest sample in an exponential moving average that says none itself.
const EMA_ALPHA: f64 = 0.2;

/// Samples of a moving average at the most.
const SMA_SAMPLES_MAX: usize = 10_000;

/// Widths of rows that the server chooses from, in seconds; beyond, whole days.
const STEPS_S: [i64; 18] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];

/// What is wrong with a question, in words for its asker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

fn invalid<T>(message: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(message.into()))
}

/// A stretch of time, `from` in and `to` out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Its begin.
    pub from: Timestamp,
    /// Its end, later than the begin.
    pub to: Timestamp,
}

/// How the values of a row's stretch become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Mean; of angles the direction of the sum of their unit vectors.
    Average,
    /// Least number.
    Min,
    /// Greatest number.
    Max,
    /// Earliest value.
    First,
    /// Latest value.
    Last,
    /// Median.
    Mid,
    /// The value that is in the middle in order of time.
    MiddleIndex,
    /// Mean of the averages of so many rows up to and with this one.
    Sma(usize),
    /// Exponential moving average of the averages of the rows, with this weight for the newest.
    Ema(f64),
}

impl Method {
    /// The word for it in questions and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
            Self::Mid => "mid",
            Self::MiddleIndex => "middle_index",
            Self::Sma(_) => "sma",
            Self::Ema(_) => "ema",
        }
    }

    /// What holds for a path of which no method is said: positions have no mean.
    pub fn of_path(path: &str) -> Self {
        if path == "navigation.position" { Self::First } else { Self::Average }
    }

    /// Whether least, mean, greatest and count of a stretch are enough for it.
    pub const fn needs_statistics_only(self) -> bool {
        matches!(self, Self::Average | Self::Min | Self::Max | Self::Sma(_) | Self::Ema(_))
    }

    fn parse(word: &str, parameter: Option<&str>) -> Result<Self, Invalid> {
        Ok(match word {
            "average" => Self::Average,
            "min" => Self::Min,
            "max" => Self::Max,
            "first" => Self::First,
            "last" => Self::Last,
            "mid" => Self::Mid,
            "middle_index" => Self::MiddleIndex,
            "sma" => match parameter.map_or(Some(SMA_SAMPLES), |p| p.parse().ok()) {
                Some(samples) if (1..=SMA_SAMPLES_MAX).contains(&samples) => Self::Sma(samples),
                _ => return invalid(format!("sma takes a number of samples from 1 to {SMA_SAMPLES_MAX}")),
            },
            "ema" => match parameter.map_or(Some(EMA_ALPHA), |p| p.parse().ok()) {
                Some(alpha) if alpha > 0.0 && alpha <= 1.0 => Self::Ema(alpha),
                _ => return invalid("ema takes a weight above 0 and up to 1"),
            },
            _ => {
                return invalid(format!(
                    "{word:?} is no method; there are average, min, max, first, last, mid, middle_index, sma and ema"
                ));
            }
        })
    }
}

/// One column that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The path.
    pub path: String,
    /// How its values become one.
    pub method: Method,
    /// This source only.
    pub source: Option<String>,
}

impl Asked {
    /// Reads `path[:method[:parameter]][|sourceRef]`.
    ///
    /// # Errors
    /// No path, or a method that there is not.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let (expression, source) = match text.split_once('|') {
            Some((expression, source)) => (expression, Some(source.trim().to_owned()).filter(|s| !s.is_empty())),
            None => (text, None),
        };
        let mut parts = expression.split(':').map(str::trim);
        let path = parts.next().unwrap_or_default().to_owned();
        if path.is_empty() || path.contains('*') {
            return invalid(format!("{text:?} names no path"));
        }
        let method = match parts.next() {
            None | Some("") => Method::of_path(&path),
            Some(word) => Method::parse(word, parts.next())?,
        };
        Ok(Self { path, method, source })
    }
}

/// A question for values.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The context as it was asked for; `None` for the own vessel.
    pub context: Option<String>,
    /// When.
    pub range: Range,
    /// The columns in the order of the question.
    pub columns: Vec<Asked>,
    /// Milliseconds of a row.
    pub resolution_ms: i64,
    /// A column for each source of each path.
    pub each_source: bool,
}

/// The parameters of an address. Of a name that stands there twice the first counts.
#[derive(Debug, Clone, Default)]
pub struct Parameters(HashMap<String, String>);

impl Parameters {
    /// From pairs in their order.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut all = HashMap::new();
        for (name, value) in pairs {
            all.entry(name).or_insert(value);
        }
        Self(all)
    }

    /// A parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The range of time: `duration` up to now, `from` up to now, `from` or `to` with `duration`, or `from` with `to`.
    ///
    /// # Errors
    /// A combination that says too little or too much, texts that are no times, and ranges without extent.
    pub fn range(&self, now: Timestamp) -> Result<Range, Invalid> {
        let time = |name| {
            self.get(name).map_or(Ok(None), |text| match Timestamp::parse(text) {
                Some(time) => Ok(Some(time)),
                None => invalid(format!("{name}: {text:?} is no time such as 2026-06-15T12:00:00Z")),
            })
        };
        let duration = self.get("duration").map_or(Ok(None), |text| match duration_ms(text) {
            Some(ms) => Ok(Some(ms)),
            None => invalid(format!("duration: {text:?} is neither seconds nor an ISO 8601 duration such as PT15M")),
        })?;
        let (from, to) = match (time("from")?, time("to")?, duration) {
            (None, _, None) => return invalid("a range is needed: from or duration"),
            (Some(_), Some(_), Some(_)) => return invalid("from, to and duration together are one too many"),
            (Some(from), Some(to), None) => (from, to),
            (Some(from), None, None) => (from, now),
            (Some(from), None, Some(ms)) => (from, from.plus_millis(ms)),
            (None, to, Some(ms)) => {
                let to = to.unwrap_or(now);
                (to.plus_millis(-ms), to)
            }
        };
        if from >= to {
            return invalid("from must be before to");
        }
        Ok(Range { from, to })
    }

    /// A question for values.
    ///
    /// # Errors
    /// Whatever is wrong with it, the first of it.
    pub fn question(&self, now: Timestamp) -> Result<Question, Invalid> {
        let range = self.range(now)?;
        let columns = self.columns()?;
        let each_source = match self.get("sourcePolicy") {
            None | Some("preferred") => false,
            Some("all") => true,
            Some(other) => return invalid(format!("sourcePolicy: {other:?} is neither preferred nor all")),
        };
        let resolution_ms = match self.get("resolution") {
            None => chosen_resolution_ms(range),
            Some(text) => match resolution_ms(text) {
                Some(ms) => ms,
                None => {
                    return invalid(format!("resolution: {text:?} is neither seconds nor such as 10s, 1m, 2h or 1d"));
                }
            },
        };
        check_cells(range, resolution_ms, columns.len())?;
        let context = self.get("context").map(str::to_owned);
        if context.as_ref().is_some_and(|context| context.contains('*')) {
            return invalid("context: one context, without *");
        }
        Ok(Question { context, range, columns, resolution_ms, each_source })
    }

    fn columns(&self) -> Result<Vec<Asked>, Invalid> {
        let texts = || self.get("paths").unwrap_or_default().split(',').filter(|text| !text.trim().is_empty());
        match texts().count() {
            0 => invalid("paths are needed"),
            n if n > COLUMNS_MAX => invalid(format!("{n} paths are too many; {COLUMNS_MAX} at the most")),
            _ => texts().map(Asked::parse).collect(),
        }
    }
}

/// Refuses what would be too much for one answer.
///
/// # Errors
/// More than [`CELLS_MAX`] cells or [`COLUMNS_MAX`] columns; the words name a resolution that fits.
pub fn check_cells(range: Range, resolution_ms: i64, columns: usize) -> Result<(), Invalid> {
    if columns > COLUMNS_MAX {
        return invalid(format!("{columns} columns are too many; {COLUMNS_MAX} at the most"));
    }
    let rows_max = CELLS_MAX / (columns.max(1) as i64);
    let length = range.to.as_millis().saturating_sub(range.from.as_millis());
    if length / resolution_ms.max(1) < rows_max {
        return Ok(());
    }
    let fits = (length / rows_max) / SECOND_MS + 1;
    invalid(format!("that is more than {CELLS_MAX} values; a resolution of {fits} seconds or a shorter range would do"))
}

/// The width of a row where the client leaves it to the server: the least of the usual ones that gives a chart.
pub fn chosen_resolution_ms(range: Range) -> i64 {
    let length = range.to.as_millis().saturating_sub(range.from.as_millis());
    let least = length / ROWS_WANTED;
    let usual = STEPS_S.iter().map(|s| s * SECOND_MS).find(|step| *step >= least);
    usual.unwrap_or_else(|| (least / DAY_MS + 1) * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: &str = "2026-06-15T12:00:00Z";

    fn asked(query: &str) -> Parameters {
        Parameters::new(query.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        }))
    }

    fn range(query: &str) -> Option<(String, String)> {
        let range = asked(query).range(Timestamp::parse(NOW).unwrap()).ok()?;
        Some((range.from.to_string(), range.to.to_string()))
    }

    #[test]
    fn five_of_eight_combinations_are_a_range() {
        let (from, to, duration) = ("from=2026-06-15T10:00:00Z", "to=2026-06-15T11:00:00Z", "duration=PT30M");
        let table = [
            (vec![], None),
            (vec![from], Some(("10:00", "12:00"))),
            (vec![to], None),
            (vec![duration], Some(("11:30", "12:00"))),
            (vec![from, to], Some(("10:00", "11:00"))),
            (vec![from, duration], Some(("10:00", "10:30"))),
            (vec![to, duration], Some(("10:30", "11:00"))),
            (vec![from, to, duration], None),
        ];
        for (parts, expected) in table {
            let full = |time: &str| format!("2026-06-15T{time}:00.000Z");
            assert_eq!(range(&parts.join("&")), expected.map(|(from, to)| (full(from), full(to))), "{parts:?}");
        }
    }

    #[test]
    fn ranges_that_are_none_are_refused() {
        for query in [
            "from=2026-06-15T11:00:00Z&to=2026-06-15T11:00:00Z",
            "from=2026-06-15T11:00:00Z&to=2026-06-15T10:00:00Z",
            "from=2026-06-15T13:00:00Z",
            "duration=0",
            "duration=-1",
            "duration=later",
            "from=yesterday",
            "from=2026-06-15T10:00:00Z&to=now",
        ] {
            assert_eq!(range(query), None, "{query}");
        }
    }

    #[test]
    fn without_a_resolution_there_are_as_many_rows_as_a_chart_is_wide() {
        let table = [
            ("PT1M", 1_000),
            ("PT15M", 2_000),
            ("PT1H", 10_000),
            ("PT24H", 300_000),
            ("P7D", 1_800_000),
            ("P30D", 7_200_000),
            ("P3650D", 8 * DAY_MS),
        ];
        for (duration, expected) in table {
            let range = asked(&format!("duration={duration}")).range(Timestamp::parse(NOW).unwrap()).unwrap();
            assert_eq!(chosen_resolution_ms(range), expected, "{duration}");
        }
    }

    #[test]
    fn columns_have_a_path_a_method_and_perhaps_a_source() {
        let table = [
            ("navigation.speedOverGround", Some(("navigation.speedOverGround", Method::Average, None))),
            ("navigation.position", Some(("navigation.position", Method::First, None))),
            ("a.b:max", Some(("a.b", Method::Max, None))),
            ("a.b:", Some(("a.b", Method::Average, None))),
            ("a.b:middle_index|gps-1.GP", Some(("a.b", Method::MiddleIndex, Some("gps-1.GP")))),
            ("a.b|c:d|e", Some(("a.b", Method::Average, Some("c:d|e")))),
            ("a.b:sma", Some(("a.b", Method::Sma(5), None))),
            ("a.b:sma:3", Some(("a.b", Method::Sma(3), None))),
            ("a.b:ema:0.5", Some(("a.b", Method::Ema(0.5), None))),
            ("a.b:sma:0", None),
            ("a.b:sma:x", None),
            ("a.b:ema:0", None),
            ("a.b:ema:1.5", None),
            ("a.b:ema:NaN", None),
            ("a.b:median", None),
            (":max", None),
            ("navigation.*", None),
            ("|gps", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(path, method, source)| Asked {
                path: path.into(),
                method,
                source: source.map(str::to_owned),
            });
            assert_eq!(Asked::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn questions_that_are_too_large_are_told_what_would_do() {
        let question = |query: &str| asked(query).question(Timestamp::parse(NOW).unwrap());
        let refused = question("paths=a,b&duration=P30D&resolution=1").unwrap_err().to_string();
        assert!(refused.contains("26 seconds"), "{refused}");
        assert!(question("paths=a,b&duration=P30D&resolution=26").is_ok());
        assert!(question(&format!("paths={}&duration=60", ["a"; COLUMNS_MAX].join(","))).is_ok());
        assert!(question(&format!("paths={}&duration=60", ["a"; COLUMNS_MAX + 1].join(","))).is_err());
        assert!(question("duration=60").is_err());
        assert!(question("paths=,&duration=60").is_err());
        assert!(question("paths=a&duration=60&sourcePolicy=some").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), path in "[a-z.:|]{0,20}") {
            let parameters = Parameters::new(
                ["from", "to", "duration", "resolution"].map(|name| (name.to_owned(), text.clone()))
                    .into_iter().chain([("paths".to_owned(), path)]),
            );
            let _ = parameters.question(Timestamp::from_millis(0));
            let _ = Asked::parse(&text);
        }

        #[test]
        fn what_the_server_chooses_is_never_too_much(seconds in 1..4_000_000_000_i64, columns in 1..COLUMNS_MAX) {
            let range = Range { from: Timestamp::from_millis(0), to: Timestamp::from_millis(seconds * 1_000) };
            prop_assert!(check_cells(range, chosen_resolution_ms(range), columns).is_ok());
        }
    }
}
