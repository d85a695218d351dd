//! Sentences of single devices in, JSON values out.

mod navigation;
mod safety;
mod seatalk;

use proptest::prelude::*;

use super::{State, device};
use crate::kernel::time::{Moment, Now, Timestamp};
use crate::kernel::update::{Context, Nmea0183Source, Source, Update};
use crate::nmea0183::sentence::Sentence;
use crate::nmea0183::{Decoder, Options, Outcome};

/// Converts `GPRPM,field,..` (or a proprietary address) and gives the outcome and the update.
fn convert(line: &str, state: &mut State) -> (Outcome, Update) {
    let (address, data) = line.split_once(',').unwrap_or((line, ""));
    let (talker, formatter) =
        if address.starts_with('P') { ("", address) } else { address.split_at(address.len().saturating_sub(3)) };
    let sentence = Sentence::from_parts(false, talker, formatter, data);
    let source = Nmea0183Source { sentence: formatter.into(), talker: talker.into(), label: None, ais_type: None };
    let mut update = Update::new(Context::Own, Source::Nmea0183(source), 4);
    let outcome = device::converter(formatter).expect("a formatter of these families")(&sentence, state, &mut update);
    (outcome, update)
}

fn state() -> State {
    State { now: Now { wall: Timestamp::from_millis(0), mono: Moment::from_millis(1_000_000) }, ..State::default() }
}

/// `[context] path=json path=json`, numbers rounded to six significant decimals so that tables stay readable.
fn shown(update: &Update) -> String {
    let mut parts: Vec<String> = update.context.to_text().into_iter().collect();
    parts.extend(update.values.iter().map(|value| format!("{}={}", value.path, rounded(&value.value.to_json()))));
    parts.join(" ")
}

fn rounded(json: &str) -> String {
    fn walk(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Number(n) if n.is_f64() => {
                let n = n.as_f64().unwrap();
                *value = serde_json::json!((n * 1e6).round() / 1e6);
            }
            serde_json::Value::Array(list) => list.iter_mut().for_each(walk),
            serde_json::Value::Object(map) => map.values_mut().for_each(walk),
            _ => {}
        }
    }
    let mut value: serde_json::Value = serde_json::from_str(json).expect("a value is JSON");
    walk(&mut value);
    value.to_string()
}

/// Each line with what its values must be; an empty expectation means that nothing is said.
fn check(state: &mut State, table: &[(&str, &str)]) {
    for (line, expected) in table {
        let (outcome, update) = convert(line, state);
        let said = if update.values.is_empty() { String::new() } else { shown(&update) };
        assert_eq!(said, *expected, "{line}");
        let known = update.values.iter().any(|value| !value.value.is_null());
        // A lost target is understood, though all that it leaves is null.
        let lost = expected.starts_with("sensors.radar") && !known;
        assert_eq!(outcome == Outcome::Understood, known || lost, "{line}: {outcome:?}");
    }
}

#[test]
fn transducers_are_found_by_name() {
    check(
        &mut state(),
        &[
            (
                "IIXDR,A,-1.2,D,PITCH,A,3.4,D,ROLL",
                r#"navigation.attitude={"pitch":-0.020944,"roll":0.059341,"yaw":null}"#,
            ),
            ("IIXDR,C,20.5,C,AIRT,", "environment.outside.temperature=293.65"),
            ("YXXDR,C,,C,WCHR,C,,C,WCHT,C,,C,HINX,P,0.9952,B,STNP", "environment.outside.pressure=99520.0"),
            (
                "IIXDR,C,28.69,C,ENV_OUTSIDE_T,P,101400,P,ENV_ATMOS_P,H,47.38,P,ENV_OUTSIDE_H",
                "environment.outside.temperature=301.84 environment.outside.pressure=101400.0 \
                 environment.outside.humidity=0.4738",
            ),
            (
                "IIXDR,P,250000.00,P,EngineOil#1,C,85.00,C,Engine#1,U,14.20,V,Alternator#1,T,1800,R,ENGINE#1",
                "propulsion.1.oilPressure=250000.0 propulsion.1.temperature=358.15 \
                 propulsion.1.alternatorVoltage=14.2 propulsion.1.revolutions=30.0",
            ),
            ("IIXDR,G,12.50,,Engine#0,G,2,H,ENGHRS1", "propulsion.0.runTime=45000.0 propulsion.1.runTime=7200.0"),
            (
                "YDXDR,V,55.0,P,FUEL,V,12.0,P,FreshWater#2,V,0.1,M,BlackWater#0",
                "tanks.fuel.0.currentLevel=0.55 tanks.freshWater.2.currentLevel=0.12 \
                 tanks.blackWater.0.currentVolume=0.1",
            ),
            (
                "IIXDR,U,12.60,V,Battery#1,I,-4.2,A,BATCURR0",
                "electrical.batteries.1.voltage=12.6 electrical.batteries.0.current=-4.2",
            ),
            ("IIXDR,A,-5.0,D,RUDDER", "steering.rudderAngle=-0.087266"),
            ("WIMMB,29.92,I,1.0132,B", "environment.outside.pressure=101320.0"),
            ("WIMMB,30.00,I,,", "environment.outside.pressure=101591.66"),
            (
                "WIMHU,66.0,5.0,3.0,C",
                "environment.outside.humidity=0.66 environment.outside.dewPointTemperature=276.15",
            ),
            // Unknown names, and units that do not fit the type.
            ("IIXDR,C,15.0,C,WTHI", ""),
            ("IIXDR,C,15.0,D,AIRT", ""),
            ("IIXDR,A,15.0,P,PITCH", ""),
            ("YXXDR", ""),
        ],
    );
}

#[test]
fn attitude_that_comes_in_pieces_stays_whole_for_a_while() {
    let mut state = state();
    check(
        &mut state,
        &[
            ("YXXDR,A,1.0,D,PTCH", r#"navigation.attitude={"pitch":0.017453,"roll":null,"yaw":null}"#),
            ("YXXDR,A,2.0,D,ROLL", r#"navigation.attitude={"pitch":0.017453,"roll":0.034907,"yaw":null}"#),
        ],
    );
    state.now.mono = state.now.mono + 3001;
    check(&mut state, &[("YXXDR,A,2.0,D,ROLL", r#"navigation.attitude={"pitch":null,"roll":0.034907,"yaw":null}"#)]);
}

#[test]
fn configured_rules_come_first() {
    let rule = |name: &'static str, kind: &'static str, path: &'static str, factor| super::XdrRule {
        name: name.into(),
        kind: kind.into(),
        unit: "".into(),
        path: path.into(),
        factor,
    };
    let mut state = state();
    state.devices.transducers = super::transducer::Transducers::new(vec![
        rule("PITCH", "A", "navigation.attitude.pitch", -1.0),
        rule("FRIDGE*", "C", "environment.inside.fridge*.temperature", 1.0),
        rule("BILGE", "S", "electrical.switches.bilgePump.state", 1.0),
    ]);
    check(
        &mut state,
        &[
            ("IIXDR,A,1.0,D,PITCH", r#"navigation.attitude={"pitch":-0.017453,"roll":null,"yaw":null}"#),
            ("IIXDR,C,4.0,C,fridge2", "environment.inside.fridge2.temperature=277.15"),
            ("IIXDR,S,1,,BILGE", "electrical.switches.bilgePump.state=true"),
        ],
    );
}

#[test]
fn attitude_sensors_and_compasses() {
    check(
        &mut state(),
        &[
            (
                "PFEC,GPatt,294.7,-02.5,+00.4",
                "navigation.headingTrue=5.143485 \
                 navigation.attitude={\"pitch\":-0.043633,\"roll\":0.006981,\"yaw\":5.143485}",
            ),
            ("PFEC,GPhve,00.007,A", "environment.heave=0.007"),
            ("PFEC,GPhve,00.007,V", ""),
            ("PFEC,AIcmd,0,35,A,01062011,130711", ""),
            (
                "PTNTHPR,85.9,N,-0.9,N,0.8,N",
                "navigation.headingMagnetic=1.499238 \
                 navigation.attitude={\"pitch\":-0.015708,\"roll\":0.013963,\"yaw\":null}",
            ),
            ("PTNTHPR,85.9,L,-0.9,L,0.8,L", ""),
            (
                "PASHR,085335.000,224.19,T,-01.26,+00.83,+00.10,0.101,0.113,0.267,1,0",
                "navigation.headingTrue=3.912854 \
                 navigation.attitude={\"pitch\":0.014486,\"roll\":-0.021991,\"yaw\":3.912854} environment.heave=0.1",
            ),
            (
                "PASHR,ATT,130124.5,90.0,1.0,2.0,0.001,0.001,0",
                "navigation.headingTrue=1.570796 \
                 navigation.attitude={\"pitch\":0.017453,\"roll\":0.034907,\"yaw\":1.570796}",
            ),
            ("PASHR,ATT,130124.5,90.0,1.0,2.0,0.001,0.001,1", ""),
            ("PASHR,POS,0,08", ""),
            (
                "PRDID,-00.2,001.1,180.0",
                "navigation.headingTrue=3.141593 \
                 navigation.attitude={\"pitch\":-0.003491,\"roll\":0.019199,\"yaw\":3.141593}",
            ),
            (
                "PSAT,HPR,130124.50,90.0,1.0,,N",
                "navigation.headingTrue=1.570796 \
                 navigation.attitude={\"pitch\":0.017453,\"roll\":null,\"yaw\":1.570796}",
            ),
            ("HETHS,77.52,A", "navigation.headingTrue=1.352979"),
            ("HETHS,77.52,V", "navigation.headingTrue=null"),
            ("HETHS,,A", ""),
        ],
    );
}

#[test]
fn engines_logs_and_gauges() {
    check(
        &mut state(),
        &[
            ("IIRPM,E,0,600,,A", "propulsion.0.revolutions=10.0"),
            ("IIRPM,S,1,-1200,-20,A", "propulsion.shaft1.revolutions=-20.0"),
            ("IIRPM,E,1,1500,,V", "propulsion.1.revolutions=null"),
            ("ERRPM,E", ""),
            ("IIRPM,E,../x,600,,A", ""),
            (
                "VDVBW,-3.0,4.0,A,6.0,8.0,A",
                "navigation.speedThroughWater=-2.572222 navigation.speedThroughWaterLongitudinal=-1.543333 \
                 navigation.speedThroughWaterTransverse=2.057778 navigation.speedOverGround=5.144444",
            ),
            ("VDVBW,3.0,4.0,V,6.0,8.0,V", "navigation.speedThroughWater=null navigation.speedOverGround=null"),
            (
                "IIVDR,10.1,T,,M,1.2,N",
                r#"environment.current={"drift":0.617333,"setMagnetic":null,"setTrue":0.176278}"#,
            ),
            ("IIVPW,-04.00,N,,M", "performance.velocityMadeGood=-2.057778"),
            (
                "PBVE,BEAAADAAABFKBCIIBDAGOOABAAAAADAAAAOIACAAONFMAKCAADAAAAHG",
                "propulsion.0.revolutions=44.2 propulsion.0.runTime=180.0",
            ),
            ("PBVE,FCIEADCIAAJJAFFA", ""),
            ("PBVE,", ""),
            ("PNKEP,02,344.4", "performance.tackMagnetic=6.010914"),
        ],
    );
}

#[test]
fn the_thresholds_of_a_gauge_are_told_once() {
    let line = "PBVE,DGOIADNNACAEACAAABBLAAEBAACMCFAAEPAIKI";
    let mut state = state();
    let (_, first) = convert(line, &mut state);
    assert_eq!(shown(&first), "propulsion.0.oilPressure=255106.019841");
    let meta: serde_json::Value = serde_json::from_str(&first.meta[0].meta).unwrap();
    assert_eq!(meta["units"], "Pa");
    assert!(meta["zones"][0]["upper"].as_f64().unwrap() < meta["zones"][1]["lower"].as_f64().unwrap());
    assert!(convert(line, &mut state).1.meta.is_empty());
}

#[test]
fn a_decoder_knows_datums_rules_and_texts() {
    let rule = super::XdrRule {
        name: "FRIDGE".into(),
        kind: "C".into(),
        unit: "".into(),
        path: "environment.inside.fridge.temperature".into(),
        factor: 1.0,
    };
    let options = Options { checksum_optional: true, xdr: vec![rule], ..Options::default() };
    let mut decoder = Decoder::new(options);
    let mut out = Vec::new();
    let lines = "$GPDTM,999,,,,,,,\n$GPGLL,5000.0,N,01000.0,E,120000,A\n$IIXDR,C,4.0,C,FRIDGE\n$GPTXT,01,01,02,hello\n\
                 $GPVSI,,,,,\n$CCGPQ,GGA\n$PSRF103,00,6,00,0\n";
    decoder.feed(lines.as_bytes(), Now::default(), &mut out);
    let values: Vec<String> = out.iter().map(shown).collect();
    assert_eq!(
        values,
        [
            r#"navigation.gnss.datum="999""#,
            r#"navigation.gnss.positionInLocalDatum={"latitude":50.0,"longitude":10.0}"#,
            "environment.inside.fridge.temperature=277.15",
        ]
    );
    assert_eq!(decoder.take_text().unwrap().text, "hello");
    assert_eq!((decoder.take_text(), decoder.counters().nothing, decoder.counters().unknown), (None, 4, 0));
}

const FORMATTERS: &[&str] = &[
    "IIAAM", "IIALF", "IIALR", "IIBOD", "IIDSC", "IIDSE", "IIDTM", "IIGBS", "IIGSA", "IIGST", "IIHSC", "IIHTC",
    "IIHTD", "IIMHU", "IIMMB", "IIMOB", "IIOSD", "IIRPM", "IIRTE", "IITHS", "IITLL", "IITTM", "IITXT", "IIVBW",
    "IIVDR", "IIVPW", "IIWCV", "IIWPL", "IIXDR", "IIZTG", "STALK", "PSMDST", "PASHR", "PBVE", "PFEC", "PGRME", "PGRMM",
    "PGRMZ", "PNKEP", "PRDID", "PSAT", "PTNTHPR", "PUBX",
];

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "-?[0-9]{1,5}(\\.[0-9]{1,3})?",
        3 => "[ACDEGIKLMNPRSTUVWQ]",
        2 => "[0-9A-F]{2}",
        1 => "[0-9]{8,12}",
        1 => "[0-9]{300,320}",
        1 => "00|01|HPR|ATT|GPatt|GPhve|ENGINE#1|PITCH|12|D3|R|\\^0A|W72|W84",
        1 => "[A-P]{40,60}",
        1 => ".{0,12}",
        1 => Just(String::new()),
    ]
}

proptest! {
    #[test]
    fn any_fields_are_read_or_passed_over(
        lines in prop::collection::vec((prop::sample::select(FORMATTERS), prop::collection::vec(field(), 0..24)), 1..20)
    ) {
        let mut state = state();
        for (formatter, fields) in lines {
            state.now.mono = state.now.mono + 700;
            let (outcome, mut update) = convert(&format!("{formatter},{}", fields.join(",")), &mut state);
            state.devices.datums.settle("II", state.now.mono, &mut update);
            if update.values.iter().any(|value| !value.value.is_null()) {
                prop_assert!(matches!(outcome, Outcome::Understood | Outcome::Void));
            }
            for value in &update.values {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&value.value.to_json());
                prop_assert!(parsed.is_ok(), "{}={:?}", value.path, value.value);
                prop_assert!(!value.path.split('.').any(str::is_empty), "{}", value.path);
            }
        }
    }
}
