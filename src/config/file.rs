//! The configuration file: TOML text to values with their lines. All that is wrong with the text is reported at once; only
//! where the text is not TOML at all nothing else is said, because what follows would be guessed.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Shape, TABLES, Table};
use super::layers::Layers;
use super::problem::{Problem, Problems};
use super::raw::{Field, Origin, Raw, Spot};

/// A configuration file is refused above this many bytes; a large one has a few thousand.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// Elements that one array of tables may have, such as inputs.
const ELEMENTS_MAX: usize = 1000;

/// What the parser says of a key that is there already; the text after it is still good.
const DUPLICATE: &str = "duplicate key";

/// Adds what `text` says to `layers`. `name` is the file's name for messages.
pub fn read(name: &str, text: &str, layers: &mut Layers, problems: &mut Problems) {
    let lines = Lines::new(name, text);
    if text.len() > FILE_BYTES_MAX {
        let found = format!("found {} bytes", text.len());
        problems.push(Problem::new(&lines.at(0), "", &found, format!("at most {FILE_BYTES_MAX}")));
        return;
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut is_toml = true;
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        if error.message() == DUPLICATE {
            let key = name_at(text, &span);
            problems.push(Problem::new(&lines.at(span.start), key, "found a second time", "each key once"));
        } else {
            is_toml = false;
            let found = format!("not TOML: {}", error.message().replace('\n', " "));
            problems.push(Problem::new(&lines.at(span.start), "", &found, ""));
        }
    }
    if is_toml {
        for field in fields(document.get_ref(), &lines) {
            read_table(field, layers, problems);
        }
    }
}

/// The key at `span`, with the table that was opened last before it. The parser does not say which that is; a line that
/// begins with a bracket is a header except within a list that goes over lines, and those lists hold no `[name]` of ours.
fn name_at(text: &str, span: &std::ops::Range<usize>) -> String {
    let key = text.get(span.clone()).unwrap_or_default().trim();
    let before = text.get(..span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    if before[line_start..].trim_start().starts_with('[') {
        return key.to_owned();
    }
    let header = |line: &str| {
        let name = line.split('#').next()?.trim().strip_prefix('[')?.trim_matches(['[', ']']).trim();
        keys::table(name).map(|table| table.name)
    };
    let table = before[..line_start].lines().rev().find_map(header);
    table.map_or_else(|| key.to_owned(), |table| format!("{table}.{key}"))
}

/// Reads one value as it stands behind an equals sign. `None` unless it is TOML.
pub fn value(text: &str) -> Option<Raw> {
    let lines = Lines::new("", text);
    DeValue::parse(text).ok().map(|value| raw(value.get_ref(), &lines))
}

/// The problem of a key that `table` does not have.
pub fn unknown_key(table: &Table, found: &str, origin: &Origin) -> Problem {
    let belonging = TABLES.iter().filter_map(|t| t.name.strip_prefix(table.name)?.strip_prefix('.'));
    let known: Vec<&str> = table.keys.iter().map(|key| key.name).chain(belonging).collect();
    let mut known_without_repeats = known.clone();
    known_without_repeats.dedup();
    let key = format!("{}.{found}", table.name);
    Problem::new(origin, key, "unknown key", one_of(&known_without_repeats, found))
}

/// "one of a, b, c", and which of them was probably meant.
pub fn one_of(known: &[&str], found: &str) -> String {
    let meant = nearest(known, found).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
    format!("one of {}{meant}", known.join(", "))
}

/// The one that was probably meant, where one is near enough.
pub fn nearest<'a>(known: &[&'a str], found: &str) -> Option<&'a str> {
    let (steps, name) = known.iter().map(|name| (distance(name, found), *name)).min()?;
    (steps <= 1 + name.len() / 4).then_some(name)
}

/// Letters to change, add or leave out between two words, upper and lower case being the same.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn read_table(field: Field, layers: &mut Layers, problems: &mut Problems) {
    let Field { name, origin, value } = field;
    let Some(table) = keys::table(&name).filter(|table| !table.name.contains('.')) else {
        let known: Vec<&str> = TABLES.iter().map(|table| table.name).filter(|name| !name.contains('.')).collect();
        problems.push(Problem::new(&origin, name.clone(), "unknown table", one_of(&known, &name)));
        return;
    };
    if table.shape == Shape::Many {
        read_elements(table, value, layers, problems);
        return;
    }
    let Raw::Table(fields) = value.raw else {
        let expected = format!("a table [{name}]");
        problems.push(Problem::new(&origin, &name, &format!("found {}", value.raw), expected));
        return;
    };
    for Field { name, origin, value } in fields {
        if let Some(key) = table.key(&name) {
            layers.set(table.name, key.name, value);
        } else if let Some(inner) = keys::table(&format!("{}.{name}", table.name)) {
            read_elements(inner, value, layers, problems);
        } else {
            problems.push(unknown_key(table, &name, &origin));
        }
    }
}

fn read_elements(table: &'static Table, value: Spot, layers: &mut Layers, problems: &mut Problems) {
    match value.raw {
        Raw::List(elements) if elements.len() <= ELEMENTS_MAX => {
            for element in elements {
                layers.add(table.name, element);
            }
        }
        Raw::List(elements) => {
            let found = format!("found {} of them", elements.len());
            problems.push(Problem::new(&value.origin, table.name, &found, format!("at most {ELEMENTS_MAX}")));
        }
        raw => {
            let found = if matches!(raw, Raw::Table(_)) { format!("[{}]", table.name) } else { raw.to_string() };
            let expected = format!("[[{}]], once for each", table.name);
            problems.push(Problem::new(&value.origin, table.name, &format!("found {found}"), expected));
        }
    }
}

/// Byte offsets to lines.
struct Lines {
    file: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    fn new(file: &str, text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { file: file.into(), starts }
    }

    fn at(&self, offset: usize) -> Origin {
        Origin::File { file: Arc::clone(&self.file), line: self.starts.partition_point(|start| *start <= offset) }
    }
}

fn fields(table: &DeTable<'_>, lines: &Lines) -> Vec<Field> {
    let field = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        Field { name: name.to_string(), origin: lines.at(key.span().start), value: spot(value, lines) }
    };
    let mut fields: Vec<Field> = table.iter().map(field).collect();
    // The parser sorts by name; messages and reports go by place.
    fields.sort_by_key(|field| match field.origin {
        Origin::File { line, .. } => line,
        _ => 0,
    });
    fields
}

fn spot(value: &Spanned<DeValue<'_>>, lines: &Lines) -> Spot {
    Spot { raw: raw(value.get_ref(), lines), origin: lines.at(value.span().start) }
}

/// Recursion ends with the parser's own limit on nesting.
fn raw(value: &DeValue<'_>, lines: &Lines) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => Raw::Whole(n),
            Err(_) => Raw::Other(n.to_string()),
        },
        DeValue::Float(n) => n.as_str().parse().map_or_else(|_| Raw::Other(n.to_string()), Raw::Number),
        DeValue::Boolean(on) => Raw::Switch(*on),
        DeValue::Datetime(date) => Raw::Other(date.to_string()),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| spot(item, lines)).collect()),
        DeValue::Table(table) => Raw::Table(fields(table, lines)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered() {
        assert_eq!(one_of(&["http", "tcp"], "htp"), "one of http, tcp (did you mean http?)");
        assert_eq!(one_of(&["http", "tcp"], "windlass"), "one of http, tcp");
        assert_eq!((distance("", "abc"), distance("kitten", "sitting"), distance("a", "A")), (3, 3, 0));
    }

    #[test]
    fn numbers_out_of_range_are_kept_as_text() {
        assert_eq!(value("0x1F"), Some(Raw::Whole(31)));
        assert_eq!(value("1_000"), Some(Raw::Whole(1000)));
        assert_eq!(value("99999999999999999999"), Some(Raw::Other("99999999999999999999".into())));
        assert_eq!(value("1979-05-27"), Some(Raw::Other("1979-05-27".into())));
        assert_eq!(value("= ="), None);
    }
}
