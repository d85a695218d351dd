//! How exported values are written as text.

use std::io::{self, Write};

use super::{Format, Point, Sink};
use crate::kernel::time::Timestamp;
use crate::kernel::value::{Position, Value, push_number, push_text};

/// A pause in the positions from which on the track is in two parts.
const SEGMENT_PAUSE_MS: i64 = 600_000;

/// Positions of one line of GeoJSON, which is held until it is written; the next goes on from its end.
const LINE_POSITIONS_MAX: usize = 10_000;

/// A file of text in the making.
pub(super) struct TextFile<W: Write> {
    format: Format,
    out: W,
    text: String,
    last: Option<Timestamp>,
    /// Of the line at hand, in GeoJSON.
    line: Vec<(Timestamp, Position)>,
    is_first_feature: bool,
}

impl<W: Write> TextFile<W> {
    /// Writes what comes before all values.
    pub fn begin(format: Format, mut out: W) -> io::Result<Self> {
        out.write_all(match format {
            Format::Csv => b"time,context,path,source,value\n".as_slice(),
            Format::Gpx => {
                b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                <gpx version=\"1.1\" creator=\"Taffrail\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n<trk>\n"
            }
            Format::Geojson => b"{\"type\":\"FeatureCollection\",\"features\":[",
            Format::Jsonl | Format::Sentences => b"",
            #[cfg(feature = "parquet")]
            Format::Parquet => b"",
        })?;
        Ok(Self { format, out, text: String::new(), last: None, line: Vec::new(), is_first_feature: true })
    }

    fn csv(&mut self, point: &Point<'_>) {
        let out = &mut self.text;
        point.at.push_to(out);
        for text in [point.context, point.path, point.source.unwrap_or_default()] {
            out.push(',');
            push_field(text, out);
        }
        out.push(',');
        match point.value {
            Value::Null => {}
            Value::Text(text) => push_field(text, out),
            other => push_field(&other.to_json(), out),
        }
        out.push('\n');
    }

    fn delta(&mut self, point: &Point<'_>) {
        let out = &mut self.text;
        out.push_str("{\"context\":");
        push_text(point.context, out);
        out.push_str(",\"updates\":[{");
        if let Some(source) = point.source {
            out.push_str("\"$source\":");
            push_text(source, out);
            out.push(',');
        }
        out.push_str("\"timestamp\":\"");
        point.at.push_to(out);
        out.push_str("\",\"values\":[{\"path\":");
        push_text(point.path, out);
        out.push_str(",\"value\":");
        point.value.write_json(out);
        out.push_str("}]}]}\n");
    }

    fn track_point(&mut self, at: Timestamp, position: &Position) {
        let pause = self.last.replace(at).map(|last| at.as_millis() - last.as_millis());
        let out = &mut self.text;
        match pause {
            None => out.push_str("<trkseg>\n"),
            Some(ms) if ms >= SEGMENT_PAUSE_MS => out.push_str("</trkseg>\n<trkseg>\n"),
            Some(_) => {}
        }
        out.push_str("<trkpt lat=\"");
        push_degrees(position.latitude, out);
        out.push_str("\" lon=\"");
        push_degrees(position.longitude, out);
        out.push_str("\">");
        if let Some(metres) = position.altitude() {
            out.push_str("<ele>");
            push_degrees(metres, out);
            out.push_str("</ele>");
        }
        out.push_str("<time>");
        at.push_to(out);
        out.push_str("</time></trkpt>\n");
    }

    fn line_point(&mut self, at: Timestamp, position: &Position) {
        match self.line.last().copied() {
            Some((last, _)) if at.as_millis() - last.as_millis() >= SEGMENT_PAUSE_MS => self.feature(),
            Some(end) if self.line.len() >= LINE_POSITIONS_MAX => {
                self.feature();
                self.line.push(end);
            }
            _ => {}
        }
        self.line.push((at, *position));
    }

    /// The line at hand; a single position is a point.
    fn feature(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let out = &mut self.text;
        out.push_str(if std::mem::take(&mut self.is_first_feature) { "\n" } else { ",\n" });
        let is_line = self.line.len() > 1;
        out.push_str("{\"type\":\"Feature\",\"properties\":{\"coordinateProperties\":{\"times\":[");
        for (i, (at, _)) in self.line.iter().enumerate() {
            out.push_str(if i == 0 { "\"" } else { ",\"" });
            at.push_to(out);
            out.push('"');
        }
        out.push_str("]}},\"geometry\":{\"type\":");
        out.push_str(if is_line { "\"LineString\",\"coordinates\":[" } else { "\"Point\",\"coordinates\":" });
        for (i, (_, position)) in self.line.iter().enumerate() {
            out.push_str(if i == 0 { "[" } else { ",[" });
            push_number(position.longitude, out);
            out.push(',');
            push_number(position.latitude, out);
            if let Some(metres) = position.altitude() {
                out.push(',');
                push_number(metres, out);
            }
            out.push(']');
        }
        out.push_str(if is_line { "]}}" } else { "}}" });
        self.line.clear();
    }
}

impl<W: Write> Sink for TextFile<W> {
    fn point(&mut self, point: &Point<'_>) -> anyhow::Result<()> {
        self.text.clear();
        match (self.format, point.value) {
            (Format::Csv, _) => self.csv(point),
            (Format::Jsonl, _) => self.delta(point),
            (Format::Gpx, Value::Position(position)) => self.track_point(point.at, position),
            (Format::Geojson, Value::Position(position)) => self.line_point(point.at, position),
            _ => {}
        }
        Ok(self.out.write_all(self.text.as_bytes())?)
    }

    fn end(mut self: Box<Self>) -> anyhow::Result<()> {
        self.text.clear();
        match self.format {
            Format::Gpx => {
                self.text.push_str(if self.last.is_some() {
                    "</trkseg>\n</trk>\n</gpx>\n"
                } else {
                    "</trk>\n</gpx>\n"
                });
            }
            Format::Geojson => {
                self.feature();
                self.text.push_str("]}\n");
            }
            _ => {}
        }
        self.out.write_all(self.text.as_bytes())?;
        Ok(self.out.flush()?)
    }
}

/// A field of CSV (RFC 4180).
fn push_field(text: &str, out: &mut String) {
    if !text.contains([',', '"', '\n', '\r']) {
        out.push_str(text);
        return;
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

/// A decimal number of XML schema: never with an exponent.
fn push_degrees(n: f64, out: &mut String) {
    use std::fmt::Write as _;
    let _ = write!(out, "{n}");
}
