//! Every row of the checklist has a test, and `docs/conformance.md` says which. `TAFFRAIL_BLESS=1` rewrites the page.
//!
//! `rows.csv` lists the rows, each with what it asks for in a sentence; a row that names an excuse waits for a feature that
//! is not there yet. A test belongs to the row that its name begins with: `str_04_…` to STR-04.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Groups in their order, with their titles.
const GROUPS: &[(&str, &str)] = &[
    ("STR", "WebSocket stream"),
    ("HEL", "Hello"),
    ("SUB", "Subscriptions"),
    ("PLB", "Playback and snapshots"),
    ("TCP", "Raw stream over TCP"),
    ("REST", "HTTP API"),
    ("DM", "Data model"),
    ("META", "Metadata"),
    ("NOTIF", "Notifications"),
    ("SRC", "Sources"),
    ("VER", "Versions"),
    ("ERR", "Errors"),
];

/// Groups whose tests are still being written. One that has a test for every row must leave this list.
const UNDER_WAY: &[&str] = &[];

const PAGE_HEAD: &str = "# Conformance

Made by `tests/conformance_table.rs` from `tests/rows.csv` and the names of the tests; `TAFFRAIL_BLESS=1 cargo test --test
conformance_table` rewrites it. Levels: MUST, SHOULD and MAY are the specification's; FACTO is what servers in use do and
clients have come to expect; CLIENT is what a client in use needs; DIVERGES is where the two disagree.
";

/// A line of `rows.csv`.
struct Row {
    id: String,
    level: String,
    requirement: String,
    excuse: String,
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The fields of a line; a field may stand in double quotes, which are doubled inside it.
fn fields(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().unwrap().push(c),
        }
    }
    out
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(here().join("rows.csv")).unwrap();
    let row = |line: &str| {
        let [id, level, requirement, excuse] = <[String; 4]>::try_from(fields(line)).expect(line);
        Row { id, level, requirement, excuse }
    };
    text.lines().skip(1).map(row).collect()
}

/// Names of tests by the row they begin with.
fn tests() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let files = std::fs::read_dir(here()).unwrap().map(|entry| entry.unwrap().path());
    let is_ours = |path: &PathBuf| path.file_name().unwrap().to_str().is_some_and(|n| n.starts_with("conformance_"));
    for file in files.filter(is_ours) {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut is_test = false;
        for line in text.lines() {
            let name =
                line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ").and_then(|l| l.split('(').next());
            match name {
                Some(name) if is_test => {
                    if let Some(row) = row_of(name) {
                        found.entry(row).or_default().push(name.to_owned());
                    }
                    is_test = false;
                }
                Some(_) => is_test = false,
                None => is_test |= line.starts_with("#[test") || line.starts_with("#[tokio::test"),
            }
        }
    }
    for names in found.values_mut() {
        names.sort();
    }
    found
}

/// `str_04_…` is a test of STR-04.
fn row_of(name: &str) -> Option<String> {
    let (group, rest) = name.split_once('_')?;
    let number = rest.get(..2).filter(|n| n.bytes().all(|b| b.is_ascii_digit()))?;
    let group = group.to_ascii_uppercase();
    GROUPS.iter().any(|(g, _)| *g == group).then(|| format!("{group}-{number}"))
}

fn group_of(row: &Row) -> &str {
    row.id.split('-').next().unwrap()
}

#[test]
fn every_row_has_a_test_or_an_excuse() {
    let (rows, tests) = (rows(), tests());
    let without = |row: &&Row| !tests.contains_key(&row.id) && row.excuse.is_empty();
    let missing: Vec<&str> =
        rows.iter().filter(without).filter(|row| !UNDER_WAY.contains(&group_of(row))).map(|row| &*row.id).collect();
    assert_eq!(missing, [""; 0], "rows without a test");
    let tested: Vec<&str> =
        rows.iter().filter(|r| tests.contains_key(&r.id) && !r.excuse.is_empty()).map(|row| &*row.id).collect();
    assert_eq!(tested, [""; 0], "rows that have a test need no excuse");
    let unknown: Vec<&String> = tests.keys().filter(|id| !rows.iter().any(|row| row.id == **id)).collect();
    assert_eq!(unknown, [""; 0], "tests of rows that are not listed");
    let complete = |group: &&&str| !rows.iter().filter(|row| group_of(row) == **group).any(|row| without(&row));
    let done: Vec<&&str> = UNDER_WAY.iter().filter(complete).collect();
    assert_eq!(done, [&""; 0], "groups that are under way no more");
}

#[test]
fn every_row_stands_once_and_in_order() {
    let rows = rows();
    let mut at = 0;
    for (group, _) in GROUPS {
        let mut number = 0;
        while let Some(row) = rows.get(at).filter(|row| group_of(row) == *group) {
            number += 1;
            assert_eq!(row.id, format!("{group}-{number:02}"));
            assert!(!row.level.is_empty() && !row.requirement.is_empty(), "{}", row.id);
            at += 1;
        }
        assert!(number > 0, "{group}");
    }
    assert_eq!(at, rows.len());
}

#[test]
fn the_page_is_the_one_that_the_rows_make() {
    let (rows, tests) = (rows(), tests());
    let mut page = PAGE_HEAD.to_owned();
    for (group, title) in GROUPS {
        write!(page, "\n## {group}: {title}\n\n| row | level | requirement | test | state |\n|---|---|---|---|---|\n")
            .unwrap();
        for row in rows.iter().filter(|row| group_of(row) == *group) {
            let names = tests.get(&row.id).map(|names| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>());
            let state = match &names {
                Some(_) => "tested".to_owned(),
                None if !row.excuse.is_empty() => format!("later: {}", row.excuse),
                None => "no test yet".to_owned(),
            };
            let names = names.unwrap_or_default().join("<br>");
            writeln!(page, "| {} | {} | {} | {names} | {state} |", row.id, row.level, row.requirement).unwrap();
        }
    }
    let path = here().parent().unwrap().join("docs/conformance.md");
    if std::env::var("TAFFRAIL_BLESS").is_ok_and(|bless| bless == "1") {
        std::fs::write(&path, &page).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(file == page, "TAFFRAIL_BLESS=1 rewrites {}", path.display());
}
