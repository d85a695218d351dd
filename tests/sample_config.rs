//! The documented sample is made from the code, says what holds, and every example in it is good.
// clippy knows only the functions marked #[test] as tests.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use taffrail::config::{Config, Sources, sample};

fn load(text: &str) -> Config {
    let text = text.replace("\n[server]\n", "\n[server]\nstate_dir = \"/var/lib/taffrail\"\n");
    let loaded = Config::load(&Sources { file: Some(("sample", &text)), ..Sources::default() });
    loaded.unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// What it means, without where it comes from.
fn meaning(mut config: Config) -> Config {
    config.effective = taffrail::config::Effective::default();
    config
}

#[test]
fn the_file_is_the_one_that_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/taffrail.toml");
    if std::env::var("TAFFRAIL_BLESS").is_ok_and(|bless| bless == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, sample::toml()).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(file, sample::toml(), "TAFFRAIL_BLESS=1 rewrites {}", path.display());
}

#[test]
fn as_it_is_it_changes_nothing() {
    assert_eq!(meaning(load(&sample::toml())), meaning(Config::default()));
}

#[test]
fn its_defaults_are_the_defaults() {
    let lines = sample::toml();
    let set = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with([' ', '-']) && !rest.is_empty() => rest.to_owned(),
        _ => line.to_owned(),
    };
    let text: String = lines.lines().map(|line| set(line) + "\n").collect();
    assert!(text.contains("\nhttp = ") && text.contains("\nsubscriptions_per_client = "), "{text}");
    assert_eq!(meaning(load(&text)), meaning(Config::default()));
}

#[test]
fn its_examples_are_good() {
    // Everything but the inputs at once; of those the keys of one type.
    let lines = sample::toml();
    let mut text = String::new();
    let mut table = "";
    for line in lines.lines() {
        let Some(example) = line.strip_prefix("#-") else {
            table = if line.starts_with('[') { line } else { table };
            text.extend([line, "\n"]);
            continue;
        };
        table = if example.starts_with('[') { example } else { table };
        let of_other_types =
            ["address", "url", "subscribe", "aboard", "certificate", "path", "rate", "repeat", "seed", "state_dir"];
        let skip = (table == "[[input]]" && of_other_types.iter().any(|key| example.starts_with(key)))
            || example.starts_with("state_dir");
        if !skip {
            text.extend([example, "\n"]);
        }
    }
    let config = load(&text);
    assert_eq!(config.vessel.mmsi.as_deref(), Some("230099999"));
    assert_eq!((config.inputs.len(), config.inputs[0].name.as_str()), (1, "gps"));
    assert_eq!((config.priorities.len(), config.meta.len(), config.meta[0].zones.len()), (1, 1, 2));
    assert_eq!((config.security.users.len(), config.security.acl.len()), (1, 1));
}
