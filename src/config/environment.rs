//! Environment variables: `TAFFRAIL_<TABLE>_<KEY>` for every key of every table that stands once.

use super::file;
use super::keys::{Key, Kind, Shape, TABLES, Table};
use super::layers::Layers;
use super::problem::{Problem, Problems};
use super::raw::{Origin, Raw, Spot};

/// How all of our variables begin.
pub const PREFIX: &str = "TAFFRAIL_";

/// Variables that are ours and no keys: the log level, the file, and two that only tests read.
const OTHERS: [&str; 4] = ["TAFFRAIL_LOG", "TAFFRAIL_CONFIG", "TAFFRAIL_CORPUS", "TAFFRAIL_BLESS"];

/// Adds what the environment says to `layers`. A variable with our prefix that is not known is refused: it is a key
/// misspelt, and nobody would notice otherwise.
pub fn read(variables: &[(String, String)], layers: &mut Layers, problems: &mut Problems) {
    for (name, text) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        let origin = Origin::Environment(name.clone());
        if let Some((table, key)) = known().find(|(table, key)| table.variable(key) == *name) {
            layers.set(table.name, key.name, Spot { raw: typed(key.kind, text, &origin), origin });
        } else if !OTHERS.contains(&name.as_str()) {
            let all: Vec<String> = known().map(|(table, key)| table.variable(key)).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).chain(OTHERS).collect();
            let meant = file::nearest(&all, name).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
            let expected = format!("{PREFIX}<TABLE>_<KEY> with a table and a key of the configuration{meant}");
            problems.push(Problem::new(&origin, "", "unknown variable", expected));
        }
    }
}

fn known() -> impl Iterator<Item = (&'static Table, &'static Key)> {
    let once = TABLES.iter().filter(|table| table.shape == Shape::Once);
    once.flat_map(|table| table.keys.iter().map(move |key| (table, key)))
}

/// Text as a value of this kind. What does not fit stays text, and the reading says what it expected.
pub fn typed(kind: Kind, text: &str, origin: &Origin) -> Raw {
    let as_text = || Raw::Text(text.to_owned());
    match kind {
        Kind::Text | Kind::Any => as_text(),
        Kind::Whole => text.parse().map_or_else(|_| as_text(), Raw::Whole),
        Kind::Number => text.parse().map_or_else(|_| as_text(), Raw::Number),
        Kind::Switch => text.parse().map_or_else(|_| as_text(), Raw::Switch),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            let spot = |item: &str| Spot { raw: Raw::Text(item.to_owned()), origin: origin.clone() };
            Raw::List(items.map(spot).collect())
        }
    }
}
