//! One sentence as slices of its line.

/// Fields of one sentence at the most; NMEA allows 82 characters, so 40 commas are never honest, but multiplexers send long ones.
pub const FIELDS_MAX: usize = 64;

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
    fields: [&'a str; FIELDS_MAX],
    count: usize,
}

impl<'a> Sentence<'a> {
    /// Builds a sentence from its parts: the text between the address's comma and the `*`.
    pub fn from_parts(encapsulated: bool, talker: &'a str, formatter: &'a str, data: &'a str) -> Self {
        let mut fields = [""; FIELDS_MAX];
        let mut count = 0;
        for field in data.split(',').take(FIELDS_MAX) {
            fields[count] = field.trim_matches(' ');
            count += 1;
        }
        Self { encapsulated, talker, formatter, fields, count }
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
