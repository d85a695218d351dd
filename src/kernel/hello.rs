//! The first message of every stream (specification: "Connection Hello").

use super::encode::API_VERSION;
use super::time::Timestamp;
use super::value::push_text;

/// Who the server says it is, the same in hello, discovery and DNS-SD.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Name of the server software (or what the configuration says instead).
    pub name: String,
    /// The own vessel in full: `vessels.urn:mrn:…`.
    pub own: String,
}

/// `master` and `main`: the one server of its vessel (HEL-14).
pub const ROLES: [&str; 2] = ["master", "main"];

/// The hello of a live stream. `wall` is left out while the clock is not believed (HEL-03); `timepoint` is there for
/// clients who asked for it.
pub fn live(identity: &Identity, wall: Option<Timestamp>, timepoint: Option<u64>) -> String {
    let mut out = open(identity);
    if let Some(wall) = wall {
        out.push_str(",\"timestamp\":\"");
        wall.push_to(&mut out);
        out.push('"');
    }
    if let Some(timepoint) = timepoint {
        out.push_str(",\"timepoint\":");
        out.push_str(&timepoint.to_string());
    }
    close(out, identity)
}

/// The hello of a playback: where it starts and how fast it goes instead of the time (HEL-11).
pub fn playback(identity: &Identity, start: Timestamp, rate: f64) -> String {
    let mut out = open(identity);
    out.push_str(",\"startTime\":\"");
    start.push_to(&mut out);
    out.push_str("\",\"playbackRate\":");
    super::value::push_number(rate, &mut out);
    close(out, identity)
}

fn open(identity: &Identity) -> String {
    let mut out = String::with_capacity(256);
    out.push_str("{\"name\":");
    push_text(&identity.name, &mut out);
    out.push_str(",\"version\":\"");
    out.push_str(API_VERSION);
    out.push('"');
    out
}

fn close(mut out: String, identity: &Identity) -> String {
    out.push_str(",\"self\":\"");
    out.push_str(&identity.own);
    out.push_str("\",\"roles\":[\"");
    out.push_str(&ROLES.join("\",\""));
    out.push_str("\"]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hello_has_the_keys_of_the_specification_and_no_others() {
        let identity = Identity { name: "taffrail".into(), own: "vessels.urn:mrn:imo:mmsi:230000001".into() };
        let start = r#"{"name":"taffrail","version":"2.24.0""#;
        let end = r#","self":"vessels.urn:mrn:imo:mmsi:230000001","roles":["master","main"]}"#;
        let t = Timestamp::from_millis(0);
        let time = r#","timestamp":"1970-01-01T00:00:00.000Z""#;
        assert_eq!(live(&identity, Some(t), None), format!("{start}{time}{end}"));
        assert_eq!(live(&identity, None, Some(7)), format!(r#"{start},"timepoint":7{end}"#));
        let begun = r#","startTime":"1970-01-01T00:00:00.000Z","playbackRate":5.0"#;
        assert_eq!(playback(&identity, t, 5.0), format!("{start}{begun}{end}"));
    }
}
