//! What a look into the table of paths costs: `cargo bench --bench meta`.

use std::sync::Arc;

use divan::{Bencher, black_box};
use taffrail::kernel::meta::table::Table;
use taffrail::kernel::meta::{Origin, Registry};
use taffrail::kernel::time::Moment;
use taffrail::kernel::zones::Watcher;

/// Short and deep, by name and by wildcard, known and unknown.
const PATHS: &[&str] = &[
    "name",
    "navigation.speedOverGround",
    "navigation.courseRhumbline.nextPoint.position",
    "electrical.batteries.house.voltage.ripple",
    "electrical.ac.shore.phase.A.lineNeutralVoltage",
    "tanks.wasteWater.2.viscosity",
    "environment.inside.engineRoom.temperature",
    "sensors.radar.blips.brightness",
];

fn main() {
    divan::main();
}

#[divan::bench]
fn build_the_table() -> Table {
    Table::new()
}

#[divan::bench(args = PATHS)]
fn find(bencher: Bencher, path: &str) {
    let table = Table::new();
    bencher.bench_local(|| table.find(black_box(path)));
}

#[divan::bench(args = PATHS)]
fn write_json(bencher: Bencher, path: &str) {
    let mut registry = Registry::new(Arc::new(Table::new()));
    registry.merge("navigation.speedOverGround", r#"{"displayName":"SOG"}"#, Origin::Config, 1);
    let mut out = String::with_capacity(8192);
    bencher.bench_local(|| {
        out.clear();
        registry.write_json(black_box(path), &mut out)
    });
}

#[divan::bench]
fn watch_a_value(bencher: Bencher) {
    let mut registry = Registry::new(Arc::new(Table::new()));
    let zones = r#"{"zones":[{"upper":2,"state":"alarm"},{"upper":3,"state":"warn"},{"lower":50,"state":"alert"}]}"#;
    registry.merge("environment.depth.belowKeel", zones, Origin::Config, 1);
    let zones = registry.zones("environment.depth.belowKeel").expect("zones were merged above");
    let mut watcher = Watcher::new();
    let mut ms = 0;
    bencher.bench_local(|| {
        ms += 100;
        watcher.update(&zones, black_box(Some(12.5)), Moment::from_millis(ms))
    });
}
