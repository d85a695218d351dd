//! Any text is a configuration or a list of problems, and a configuration's report is a configuration again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use taffrail::config::{Config, Flags, Sources, report};

fn load(text: &str) -> Result<Config, taffrail::config::Problems> {
    let environment = vec![("HOME".to_owned(), "/home/skipper".to_owned())];
    Config::load(&Sources { file: Some(("fuzz", text)), environment, flags: Flags::default() })
}

fuzz_target!(|text: &str| {
    match load(text) {
        Err(problems) => assert!(!problems.to_string().is_empty()),
        // Users come back without their passwords, which the report does not hold.
        Ok(config) if config.security.users.is_empty() => {
            let mut again = load(&report::toml(&config)).expect("a report is a configuration");
            again.effective.clone_from(&config.effective);
            assert_eq!(again, config);
        }
        Ok(_) => {}
    }
});
