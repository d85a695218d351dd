//! What the address of a playback asks for.

use super::play::check_rate;
use crate::kernel::time::Timestamp;

/// Where nothing was recorded for longer than this, the playback goes on to the end of it, unless `gapLimit` says else.
pub const GAP_LIMIT_S: u64 = 300;

/// What the address asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wanted {
    pub(super) start: Timestamp,
    pub(super) end: Option<Timestamp>,
    pub(super) rate: f64,
    pub(super) looped: bool,
    pub(super) gap_max_ms: Option<u64>,
}

impl Wanted {
    /// Reads the query; `Err` with a sentence (PLB-08). Unknown names are ignored.
    pub(super) fn read(query: &[(String, String)]) -> Result<Self, String> {
        let mut start = None;
        let mut wanted = Self {
            start: Timestamp::default(),
            end: None,
            rate: 1.0,
            looped: false,
            gap_max_ms: Some(GAP_LIMIT_S * 1_000),
        };
        for (name, value) in query {
            let time = || {
                Timestamp::parse(value)
                    .ok_or_else(|| format!("{name}: {value} is not a time such as 2026-07-01T12:00:00Z"))
            };
            match &**name {
                "startTime" => start = Some(time()?),
                "endTime" => wanted.end = Some(time()?),
                "playbackRate" => {
                    wanted.rate = value.parse().map_err(|_| format!("playbackRate: {value} is not a number"))?;
                }
                "loop" => wanted.looped = value == "true",
                "gapLimit" => {
                    let seconds: u32 =
                        value.parse().map_err(|_| format!("gapLimit: {value} is not a whole number of seconds"))?;
                    wanted.gap_max_ms = (seconds > 0).then(|| u64::from(seconds) * 1_000);
                }
                _ => {}
            }
        }
        check_rate(wanted.rate)?;
        wanted.start = start.ok_or("startTime is required")?;
        if wanted.end.is_some_and(|end| end <= wanted.start) {
            return Err("endTime is not after startTime".to_owned());
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_what_is_played() {
        let read = |query: &str| {
            let pairs: Vec<(String, String)> =
                query.split('&').filter_map(|p| p.split_once('=')).map(|(n, v)| (n.into(), v.into())).collect();
            Wanted::read(&pairs)
        };
        let wanted = read("startTime=2026-06-01T00:00:00Z&playbackRate=0.5&loop=true&gapLimit=0&x=y").unwrap();
        assert_eq!(wanted.start, Timestamp::from_millis(1_780_272_000_000));
        assert_eq!((wanted.rate, wanted.looped, wanted.gap_max_ms, wanted.end), (0.5, true, None, None));
        assert_eq!(read("startTime=2026-06-01T00:00:00Z").unwrap().gap_max_ms, Some(300_000));
        for wrong in [
            "",
            "startTime=abc",
            "startTime=",
            "startTime=2026-06-01T00:00:00Z&playbackRate=x",
            "startTime=2026-06-01T00:00:00Z&playbackRate=0",
            "startTime=2026-06-01T00:00:00Z&playbackRate=-1",
            "startTime=2026-06-01T00:00:00Z&playbackRate=NaN",
            "startTime=2026-06-01T00:00:00Z&playbackRate=10001",
            "startTime=2026-06-01T00:00:00Z&endTime=2026-06-01T00:00:00Z",
            "startTime=2026-06-01T00:00:00Z&gapLimit=-1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
