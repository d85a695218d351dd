//! One sentence as slices of its line, and the checks that make a line a sentence.

use std::borrow::Cow;

use crate::steps;

/// Fields of one sentence at the most; NMEA allows 82 characters, so 40 commas are never honest, but multiplexers send long ones.
pub const FIELDS_MAX: usize = 64;

/// The longest address that is taken for one, in bytes.
const ADDRESS_BYTES_MAX: usize = 10;

/// A framed sentence whose checksum has been dealt with. Fields are numbered from 1 after the address, as the standard
/// does; a field beyond the last one is empty.
#[derive(Debug, Clone, Copy)]
pub struct Sentence<'a> {
    /// `!`: an encapsulation sentence (AIS); otherwise `$`.
    pub encapsulated: bool,
    /// Talker, two characters as a rule; empty for a proprietary sentence.
    pub talker: &'a str,
    /// Formatter of three letters (`RMC`), or the whole address of a proprietary sentence (`PGRME`).
    pub formatter: &'a str,
    /// The formatter as it was sent: some senders put a letter of their own behind it (`GSVH`).
    pub as_sent: &'a str,
    fields: [&'a str; FIELDS_MAX],
    count: usize,
}

/// Why a line is no sentence that may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It has neither the start nor the address of a sentence.
    NoSentence,
    /// There is no `*hh`, or only a part of it.
    ChecksumMissing,
    /// The checksum is not that of the text.
    ChecksumWrong {
        /// What the line says.
        said: u8,
        /// What its text adds up to.
        computed: u8,
    },
    /// The frame is right, the address cannot be.
    Malformed,
}

/// What is asked of the checksum of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// It is there and right.
    Right,
    /// It is right where there is one.
    RightIfThere,
    /// Nothing.
    Nothing,
}

/// A line that passed the checks, not yet taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked<'a> {
    /// Began with `!`.
    pub encapsulated: bool,
    /// The bytes between the start character and the `*`.
    pub body: &'a [u8],
}

/// Looks for the frame of a sentence in a line without its tag block, and verifies its checksum: the exclusive or of all
/// bytes between the start character and the first `*`, as two hexadecimal digits. What follows them is ignored when it
/// cannot be part of them (some receivers append a time after a comma).
pub fn check(line: &[u8], demand: Demand) -> Result<Checked<'_>, Refusal> {
    // Trimming, the star, the comma, the checksum.
    steps::took(4 * line.len());
    let line = line.trim_ascii_end();
    let Some((&start, text)) = line.split_first().filter(|(b, _)| matches!(b, b'$' | b'!')) else {
        return Err(Refusal::NoSentence);
    };
    let star = text.iter().position(|&b| b == b'*');
    let body = &text[..star.unwrap_or(text.len())];
    let said = star.and_then(|star| {
        let (digits, rest) = text[star + 1..].split_at_checked(2)?;
        let ends = rest.first().is_none_or(|b| !b.is_ascii_alphanumeric());
        if ends { hex_byte(digits) } else { None }
    });
    let address = &body[..body.iter().position(|&b| b == b',').unwrap_or(body.len())];
    let plausible = (4..=ADDRESS_BYTES_MAX).contains(&address.len()) && address.iter().all(u8::is_ascii_alphanumeric);
    let computed = checksum(body);
    match said {
        Some(said) if said == computed => {}
        // Line noise may well begin with a dollar; without an address or a checksum that holds it is nothing more.
        _ if !plausible => return Err(Refusal::NoSentence),
        _ if demand == Demand::Nothing => {}
        Some(said) => return Err(Refusal::ChecksumWrong { said, computed }),
        None if star.is_none() && demand == Demand::RightIfThere => {}
        None => return Err(Refusal::ChecksumMissing),
    }
    if plausible { Ok(Checked { encapsulated: start == b'!', body }) } else { Err(Refusal::Malformed) }
}

/// The exclusive or of all bytes.
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, b| sum ^ b)
}

/// Two hexadecimal digits, upper or lower case.
pub fn hex_byte(digits: &[u8]) -> Option<u8> {
    match digits {
        [a, b] => Some((char::from(*a).to_digit(16)? * 16 + char::from(*b).to_digit(16)?) as u8),
        _ => None,
    }
}

/// The text of a sentence. The standard is ASCII only; what is not UTF-8 either is taken for Latin-1, which older
/// plotters use in names, so that no byte can cost a sentence. A formatter in small letters is put into capitals.
pub fn text(body: &[u8]) -> Cow<'_, str> {
    steps::took(2 * body.len());
    let mut text = match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(body.iter().map(|&b| char::from(b)).collect()),
    };
    let is_small = |b: &u8| b.is_ascii_lowercase();
    let formatter = 2..body.iter().position(|&b| b == b',').unwrap_or(body.len()).max(2);
    if body.get(formatter.clone()).is_some_and(|letters| letters.iter().any(is_small)) {
        if let Some(letters) = text.to_mut().get_mut(formatter) {
            letters.make_ascii_uppercase();
        }
    }
    text
}

impl<'a> Sentence<'a> {
    /// Takes the text between the start character and the `*` apart. A proprietary address (`P...`) is kept whole;
    /// otherwise two characters are the talker and the next three the formatter: some senders write more.
    pub fn parse(encapsulated: bool, body: &'a str) -> Self {
        let (address, data) = body.split_once(',').unwrap_or((body, ""));
        if address.starts_with('P') {
            return Self::from_parts(encapsulated, "", address, data);
        }
        let (talker, formatter) = address.split_at_checked(2).unwrap_or(("", address));
        let sentence = Self::from_parts(encapsulated, talker, formatter.get(..3).unwrap_or(formatter), data);
        Self { as_sent: formatter, ..sentence }
    }

    /// Builds a sentence from its parts: the text between the address's comma and the `*`.
    pub fn from_parts(encapsulated: bool, talker: &'a str, formatter: &'a str, data: &'a str) -> Self {
        steps::took(2 * data.len());
        let mut fields = [""; FIELDS_MAX];
        let (mut count, mut start) = (0, 0);
        // By hand: `str::split` costs as much again as all the numbers of an RMC.
        for (at, &byte) in data.as_bytes().iter().enumerate() {
            if byte == b',' && count < FIELDS_MAX - 1 {
                fields[count] = trimmed(&data[start..at]);
                count += 1;
                start = at + 1;
            }
        }
        let end = if count == FIELDS_MAX - 1 {
            data[start..].find(',').map_or(data.len(), |n| start + n)
        } else {
            data.len()
        };
        fields[count] = trimmed(&data[start..end]);
        count += 1;
        Self { encapsulated, talker, formatter, as_sent: formatter, fields, count }
    }

    /// Field `n`, from 1; empty when there is none.
    pub fn field(&self, n: usize) -> &'a str {
        if n == 0 || n > self.count { "" } else { self.fields[n - 1] }
    }

    /// All fields in order; index 0 is field 1.
    pub fn fields(&self) -> &[&'a str] {
        &self.fields[..self.count]
    }
}

/// Without the blanks that some senders pad fields with.
fn trimmed(field: &str) -> &str {
    let padded = field.as_bytes().first() == Some(&b' ') || field.as_bytes().last() == Some(&b' ');
    if padded { field.trim_matches(' ') } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, demand: Demand) -> Result<(String, String, Vec<String>), Refusal> {
        let checked = check(line.as_bytes(), demand)?;
        let body = text(checked.body);
        let s = Sentence::parse(checked.encapsulated, &body);
        Ok((s.talker.into(), s.formatter.into(), s.fields().iter().map(|&f| f.into()).collect()))
    }

    #[test]
    fn addresses_are_taken_apart() {
        let ok = |line: &str| {
            parse(line, Demand::RightIfThere).map(|(t, f, fields)| format!("{t}/{f}/{}", fields.join("|"))).unwrap()
        };
        assert_eq!(ok("$IIDBT,035.53,f,010.83,M,005.85,F*23"), "II/DBT/035.53|f|010.83|M|005.85|F");
        assert_eq!(ok("$iiDBT,1"), "ii/DBT/1");
        assert_eq!(ok("$iidbt,1,t"), "ii/DBT/1|t");
        assert_eq!(ok("$GPGSVH, 1 ,"), "GP/GSV/1|");
        assert_eq!(ok("$PGRME,1"), "/PGRME/1");
        assert_eq!(ok("$IIDBT*52"), "II/DBT/");
    }

    #[test]
    fn what_is_no_sentence_says_why() {
        let table = [
            ("IIDBT,1*00", Refusal::NoSentence),
            ("$", Refusal::NoSentence),
            ("$*", Refusal::NoSentence),
            ("$*00", Refusal::Malformed),
            ("$IIDBT,035.53,f,010.83,M,005.85,F*", Refusal::ChecksumMissing),
            ("$IIDBT,035.53,f,010.83,M,005.85,F*2", Refusal::ChecksumMissing),
            ("$IIDBT,035.53,f,010.83,M,005.85,F", Refusal::ChecksumMissing),
            ("$IIDBT,1,2*3,4*50", Refusal::ChecksumMissing),
            ("$IIDBT,035.53,f,010.83,M,005.85,F*24", Refusal::ChecksumWrong { said: 0x24, computed: 0x23 }),
        ];
        for (line, refusal) in table {
            assert_eq!(parse(line, Demand::Right), Err(refusal), "{line}");
        }
        assert_eq!(
            parse("$IIDBT,1*00", Demand::RightIfThere).unwrap_err(),
            Refusal::ChecksumWrong { said: 0, computed: 0x4f }
        );
        assert!(parse("$IIDBT,1*00", Demand::Nothing).is_ok());
        assert!(parse("$IIDBT,035.53,f,010.83,M,005.85,F*23,1241544035", Demand::Right).is_ok());
    }

    #[test]
    fn fields_beyond_the_last_are_left_out() {
        let data: Vec<String> = (1..=FIELDS_MAX + 10).map(|n| n.to_string()).collect();
        let data = data.join(", ");
        let s = Sentence::from_parts(false, "II", "XDR", &data);
        assert_eq!((s.fields().len(), s.field(1), s.field(FIELDS_MAX)), (FIELDS_MAX, "1", "64"));
        assert_eq!((s.field(0), s.field(FIELDS_MAX + 1)), ("", ""));
    }

    #[test]
    fn bytes_beyond_ascii_cost_nothing() {
        assert_eq!(text(b"GPWPL,\xc4rholmen"), "GPWPL,\u{c4}rholmen");
        assert_eq!(text("GPWPL,Åland".as_bytes()), "GPWPL,Åland");
    }
}
