//! The values of all layers side by side, and how they are read: every layer's value is looked at, so that a bad one is
//! refused wherever it stands, and the one of highest precedence counts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::file;
use super::keys::{self, Given, Table};
use super::problem::{Problem, Problems};
use super::raw::{Field, Origin, Raw, Spot};

/// What somebody said, sorted by table and key. Layers are added in rising precedence.
#[derive(Debug, Default)]
pub struct Layers {
    once: BTreeMap<(&'static str, &'static str), Vec<Spot>>,
    many: BTreeMap<&'static str, Vec<Spot>>,
}

impl Layers {
    /// Adds a value of a `[table]`; it wins over those that were added before it.
    pub fn set(&mut self, table: &'static str, key: &'static str, spot: Spot) {
        self.once.entry((table, key)).or_default().push(spot);
    }

    /// Adds an element of an `[[array of tables]]`.
    pub fn add(&mut self, table: &'static str, element: Spot) {
        self.many.entry(table).or_default().push(element);
    }

    /// Puts these elements in the place of what a lower layer said.
    pub fn replace(&mut self, table: &'static str, elements: Vec<Spot>) {
        self.many.insert(table, elements);
    }

    /// The one `[table]`, for reading.
    pub fn section(&mut self, name: &'static str) -> Section {
        let table = keys::table(name).expect("only tables of the list are read");
        let values = table.keys.iter().filter_map(|key| Some((key.name, self.once.remove(&(name, key.name))?)));
        Section::new(table, name.to_owned(), None, values.collect())
    }

    /// The elements of an `[[array of tables]]`, for reading.
    pub fn elements(&mut self, name: &'static str, problems: &mut Problems) -> Vec<Section> {
        let elements = self.many.remove(name).unwrap_or_default();
        elements.into_iter().filter_map(|element| Section::of_element(name, element, problems)).collect()
    }
}

/// What a reading gives: the value, or what would have been one.
pub type Reading<T> = Result<T, Cow<'static, str>>;

/// One table while it is read. What is read is remembered for the report.
#[derive(Debug)]
pub struct Section {
    table: &'static Table,
    /// How messages call it: `server`, or `input "gps"` once the name is known.
    label: String,
    /// Where an element of an array begins.
    origin: Option<Origin>,
    values: BTreeMap<&'static str, Vec<Spot>>,
    read: Vec<(&'static str, Spot)>,
}

impl Section {
    fn new(
        table: &'static Table,
        label: String,
        origin: Option<Origin>,
        values: BTreeMap<&'static str, Vec<Spot>>,
    ) -> Self {
        Self { table, label, origin, values, read: Vec::new() }
    }

    /// A section over an element of an array of tables, block or inline. Unknown keys become problems, as does an element
    /// that is no table, which gives no section.
    pub fn of_element(name: &'static str, element: Spot, problems: &mut Problems) -> Option<Self> {
        let table = keys::table(name).expect("only tables of the list are read");
        let Raw::Table(fields) = element.raw else {
            problems.push(Problem::new(&element.origin, name, &format!("found {}", element.raw), "a table"));
            return None;
        };
        let mut values = BTreeMap::new();
        for Field { name: field, origin, value } in fields {
            match table.key(&field) {
                Some(key) => drop(values.insert(key.name, vec![value])),
                None => problems.push(file::unknown_key(table, &field, &origin)),
            }
        }
        Some(Self::new(table, name.to_owned(), Some(element.origin), values))
    }

    /// Adds a name to what messages call this element.
    pub fn label(&mut self, name: &str) {
        self.label = format!("{} {}", self.table.name, Raw::Text(name.to_owned()));
    }

    /// A value that need not be there.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl Fn(&Raw) -> Reading<T>,
    ) -> Option<T> {
        let name = self.known(key).name;
        let mut value = None;
        for spot in self.values.remove(name)? {
            match read(&spot.raw) {
                Ok(good) => value = Some((good, spot)),
                Err(expected) => {
                    let found = if key == keys::SECRET { Raw::Hidden } else { spot.raw };
                    let found = format!("found {found}");
                    problems.push(Problem::new(&spot.origin, self.name_of(key), &found, expected));
                }
            }
        }
        let (value, mut spot) = value?;
        if key == keys::SECRET {
            spot.raw = Raw::Hidden;
        }
        self.read.push((name, spot));
        Some(value)
    }

    /// A value with a default. With a bad value the default is returned so that reading can go on; there is a problem then,
    /// and no configuration.
    pub fn get<T>(&mut self, key: &'static str, problems: &mut Problems, read: impl Fn(&Raw) -> Reading<T>) -> T {
        if let Some(value) = self.optional(key, problems, &read) {
            return value;
        }
        let Given::Default(text) = self.known(key).given else { unreachable!("{key} has no default") };
        let raw = file::value(text).expect("defaults are TOML; a test holds it");
        let value = read(&raw).unwrap_or_else(|_| unreachable!("the default of {key} is valid; a test holds it"));
        self.read.push((key, Spot { raw, origin: Origin::Default }));
        value
    }

    /// A value that must be there.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl Fn(&Raw) -> Reading<T>,
    ) -> Option<T> {
        if !self.values.contains_key(key) {
            let sample = self.known(key).given.sample();
            let expected = format!("{key} = {sample} or the like");
            let origin = self.origin.clone();
            let key = self.name_of(key);
            problems.push(Problem { origin, key, found: "missing".to_owned(), expected });
            return None;
        }
        self.optional(key, problems, read)
    }

    /// Sets a value over all others.
    pub fn set(&mut self, key: &'static str, spot: Spot) {
        self.values.entry(key).or_default().push(spot);
    }

    /// Refuses a value that was read, because of what another key says.
    pub fn refuse_value(&self, key: &str, problems: &mut Problems, expected: &str) {
        if let Some((_, spot)) = self.read.iter().find(|(name, _)| *name == key) {
            let found = format!("found {}", spot.raw);
            problems.push(Problem::new(&spot.origin, self.name_of(key), &found, expected));
        }
    }

    /// Refuses whatever was set and not read: keys that do not belong to this type of thing.
    pub fn refuse_rest(&mut self, problems: &mut Problems, expected: &str) {
        for (key, spots) in std::mem::take(&mut self.values) {
            for spot in spots {
                let found = format!("found {}", spot.raw);
                problems.push(Problem::new(&spot.origin, self.name_of(key), &found, expected));
            }
        }
    }

    /// Where the value of `key` comes from, once it has been read; else where the element begins.
    pub fn origin_of(&self, key: &str) -> Origin {
        let read = self.read.iter().find(|(name, _)| *name == key).map(|(_, spot)| spot.origin.clone());
        read.or_else(|| self.origin.clone()).unwrap_or(Origin::Default)
    }

    /// What messages call `key` here, such as `server.http` or `input "gps".baud`.
    pub fn name_of(&self, key: &str) -> String {
        format!("{}.{key}", self.label)
    }

    /// Adds a value that was found elsewhere than in the layers, for the report.
    pub fn note(&mut self, key: &'static str, raw: Raw, origin: Origin) {
        self.read.push((self.known(key).name, Spot { raw, origin }));
    }

    /// Done: what was read goes into the report.
    pub fn finish(mut self, effective: &mut Effective) {
        debug_assert!(self.values.is_empty(), "every key of {} is read", self.label);
        let place = |name: &str| self.table.keys.iter().position(|key| key.name == name);
        self.read.sort_by_key(|(name, _)| place(name));
        effective.0.push(EffectiveTable { table: self.table, origin: self.origin, values: self.read });
    }

    fn known(&self, key: &str) -> &'static keys::Key {
        self.table.key(key).expect("only keys of the list are read")
    }
}

/// Every value as it came out, with its origin, in the order of [`keys::TABLES`]. Passwords are not in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effective(Vec<EffectiveTable>);

/// One table of [`Effective`].
#[derive(Debug, Clone)]
pub struct EffectiveTable {
    /// Which.
    pub table: &'static Table,
    /// Where an element of an array begins.
    pub origin: Option<Origin>,
    /// Its values, in the order of the list of keys.
    pub values: Vec<(&'static str, Spot)>,
}

impl PartialEq for EffectiveTable {
    fn eq(&self, other: &Self) -> bool {
        self.table.name == other.table.name && self.origin == other.origin && self.values == other.values
    }
}

impl Effective {
    /// The tables.
    pub fn tables(&self) -> impl Iterator<Item = &EffectiveTable> {
        self.0.iter()
    }

    /// The first place where somebody set anything of `table` or of what belongs to it.
    pub fn first_set(&self, table: &str) -> Option<&Origin> {
        let of_table =
            |name: &str| name.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let values = self.0.iter().filter(|entry| of_table(entry.table.name)).flat_map(|entry| &entry.values);
        values.map(|(_, spot)| &spot.origin).find(|origin| **origin != Origin::Default)
    }
}
