//! The small endpoints: what apps ask for at start, settings that apps keep, frames about the server, health and metrics.
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

mod harness;

use std::sync::Arc;

use harness::{Response, Stream, TestServer, until};
use serde_json::{Value as Json, json};
use taffrail::app::Server;
use taffrail::cli;
use taffrail::clock::SystemClock;
use taffrail::config::{Config, Sources};

const DEMO: &str = "[[input]]\nname = \"boat\"\ntype = \"demo\"\n";
const KEPT: &str = "/signalk/v1/applicationData";

async fn post(server: &TestServer, path: &str, body: &Json) -> Response {
    server.request("POST", path, &[("Content-Type", "application/json")], &body.to_string()).await
}

#[tokio::test]
async fn what_apps_ask_at_start_has_the_shape_they_expect() {
    let server = TestServer::start("").await;
    let empty_list = json!([]);
    let nothing = json!({});
    let table = [
        ("/skServer/plugins", &empty_list),
        ("/plugins", &empty_list),
        ("/skServer/webapps", &empty_list),
        ("/skServer/addons", &empty_list),
        ("/signalk/v1/apps/list", &empty_list),
        ("/signalk/v2/api/resources/routes", &nothing),
        ("/signalk/v2/api/resources/waypoints/", &nothing),
        ("/signalk/v2/api/resources/notes?position=[24.9,60.1]&distance=20000", &nothing),
        ("/signalk/v2/api/resources/regions", &nothing),
        ("/signalk/v2/api/resources/charts", &nothing),
    ];
    for (path, expected) in table {
        let response = server.get(path).await;
        assert_eq!((response.status, &response.json()), (200, expected), "{path}");
        assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"), "{path}");
    }
    let types = server.get("/signalk/v2/api/resources").await.json();
    let names: Vec<&String> = types.as_object().unwrap().keys().collect();
    assert_eq!(names, ["charts", "notes", "regions", "routes", "waypoints"]);
    assert!(types["routes"]["description"].is_string());
}

#[tokio::test]
async fn nobody_is_logged_in_and_nobody_needs_to() {
    let server = TestServer::start("").await;
    for path in ["/skServer/loginStatus", "/loginStatus"] {
        let response = server.get(path).await;
        assert_eq!(response.status, 200);
        assert!(response.header("cache-control").unwrap().contains("no-cache"));
        let status = response.json();
        assert_eq!(status["status"], "notLoggedIn");
        for flag in
            ["readOnlyAccess", "authenticationRequired", "allowNewUserRegistration", "allowDeviceAccessRequests"]
        {
            assert_eq!(status[flag], false, "{flag}");
        }
    }
}

#[tokio::test]
async fn features_are_two_arrays_whatever_is_asked() {
    let server = TestServer::start("").await;
    for query in ["", "?enabled=1", "?enabled=true", "?enabled=false", "?enabled=0", "?enabled", "?x=%ff"] {
        let response = server.get(&format!("/signalk/v2/features{query}")).await;
        assert_eq!(response.status, 200, "{query}");
        let features = response.json();
        assert!(features["apis"].is_array() && features["plugins"].is_array(), "{query}: {features}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_plain_404_in_json() {
    let server = TestServer::start("").await;
    for path in [
        "/signalk/v1/nothing",
        "/signalk/v1/api/tracks?radius=10000",
        "/plugins/freeboard-sk",
        "/skServer/appstore/available",
        "/signalk/v1/unitpreferences/nothing",
        "/signalk/v1/unitpreferences/presets/nothing",
    ] {
        let response = server.get(path).await;
        assert_eq!(response.status, 404, "{path}");
        assert!(response.json()["message"].is_string(), "{path}");
    }
    for path in [
        "/signalk/v2/api/resources/buddies",
        "/signalk/v2/api/resources/tracks/1",
        "/signalk/v2/api/resources/routes/ac3a3b2d-07e8-4f25-92bc-98e7c92f7f1a",
        "/signalk/v2/api/vessels/self/radars",
        "/signalk/v2/api/nothing",
    ] {
        let response = server.get(path).await;
        let body = response.json();
        assert_eq!(
            (response.status, &body["statusCode"], &body["state"]),
            (404, &json!(404), &json!("FAILED")),
            "{path}"
        );
        assert!(body["message"].is_string(), "{path}");
    }
    let refused = post(&server, "/signalk/v2/api/resources/routes", &json!({"name": "home"})).await;
    assert_eq!((refused.status, &refused.json()["statusCode"]), (501, &json!(501)));
    let refused = post(&server, "/skServer/plugins", &json!({})).await;
    assert_eq!(refused.status, 405);
    assert!(refused.json()["message"].is_string());
}

#[tokio::test]
async fn unit_preferences_lead_from_the_preset_to_the_formula() {
    let server = TestServer::start("").await;
    let document = async |name: &str| server.get(&format!("/signalk/v1/unitpreferences/{name}")).await.json();
    let active = document("config").await["activePreset"].as_str().unwrap().to_owned();
    let presets = document("presets").await;
    let listed: Vec<&str> =
        presets["builtIn"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert!(listed.contains(&&*active), "{listed:?}");
    let (definitions, categories) = (document("definitions").await, document("categories").await);
    for name in listed {
        let preset = document(&format!("presets/{name}")).await;
        for (category, entry) in preset["categories"].as_object().unwrap() {
            let (base, target) = (entry["baseUnit"].as_str().unwrap(), entry["targetUnit"].as_str().unwrap());
            assert_eq!(categories["categoryToBaseUnit"][category], base);
            let conversion = &definitions[base]["conversions"][target];
            for member in ["formula", "inverseFormula", "symbol"] {
                assert!(conversion[member].is_string(), "{name}, {category}: no {member} from {base} to {target}");
            }
        }
    }
    let resolved = document("active").await;
    assert_eq!((&resolved["name"], &resolved["categories"]["speed"]["targetUnit"]), (&json!(active), &json!("kn")));
    assert!(resolved["categories"]["speed"]["formula"].is_string());
    let defaults = document("default-categories").await;
    assert!(
        defaults["categories"]["speed"]["paths"].as_array().unwrap().contains(&json!("navigation.speedOverGround"))
    );
}

#[tokio::test]
async fn an_app_keeps_its_settings_and_changes_parts_of_them() {
    let server = TestServer::start("").await;
    let at = format!("{KEPT}/global/kip/11.0");
    assert_eq!(server.get(&at).await.json(), json!({}), "nothing yet");
    assert_eq!(server.get(&format!("{at}/default")).await.status, 404);
    assert_eq!(server.get(&format!("{KEPT}/global/kip")).await.status, 404);

    let saved = post(&server, &at, &json!({"default": {"app": {"version": 11}, "widgets": [1, 2]}})).await;
    assert_eq!((saved.status, saved.json()), (200, json!("ApplicationData saved")));
    assert_eq!(server.get(&format!("{at}/default/app/version")).await.json(), json!(11));
    assert_eq!(server.get(&format!("{at}/default/widgets/1")).await.json(), json!(2));
    assert_eq!(server.get(&format!("{at}/?keys=true")).await.json(), json!(["default"]));
    assert_eq!(server.get(&format!("{at}/default?keys=true")).await.json(), json!(["app", "widgets"]));

    assert_eq!(post(&server, &format!("{at}/night%20watch/theme"), &json!("red")).await.status, 200);
    let patch = json!([
        {"op": "add", "path": "/default/widgets/-", "value": 3},
        {"op": "remove", "path": "/default/app"},
    ]);
    assert_eq!(post(&server, &at, &patch).await.status, 200);
    let expected = json!({"default": {"widgets": [1, 2, 3]}, "night watch": {"theme": "red"}});
    // One version, however it is written.
    for version in ["11", "11.0", "v11.0.0"] {
        assert_eq!(server.get(&format!("{KEPT}/global/kip/{version}")).await.json(), expected, "{version}");
    }
    post(&server, &format!("{KEPT}/global/kip/12"), &json!({})).await;
    assert_eq!(server.get(&format!("{KEPT}/global/kip")).await.json(), json!(["11.0.0", "12.0.0"]));
}

#[tokio::test]
async fn writes_at_the_same_time_do_not_lose_each_other() {
    let server = Arc::new(TestServer::start("").await);
    let mut writes = tokio::task::JoinSet::new();
    for n in 0..12 {
        let server = server.clone();
        writes.spawn(async move { post(&server, &format!("{KEPT}/global/app/1.0/{n}"), &json!(n)).await.status });
    }
    assert!(writes.join_all().await.into_iter().all(|status| status == 200));
    let kept = server.get(&format!("{KEPT}/global/app/1.0")).await.json();
    assert_eq!(kept.as_object().unwrap().len(), 12, "{kept}");
}

#[tokio::test]
async fn a_write_that_is_refused_changes_nothing() {
    let server = TestServer::start("").await;
    let at = format!("{KEPT}/global/app/1.0");
    let before = json!({"a": 1});
    post(&server, &at, &before).await;
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20));
    let table = [
        ("not JSON", at.clone(), "{", 400),
        ("not an object", at.clone(), "5", 400),
        (
            "a patch that fails half-way",
            at.clone(),
            r#"[{"op":"remove","path":"/a"},{"op":"remove","path":"/b"}]"#,
            400,
        ),
        ("a patch to something else", at.clone(), r#"[{"op":"add","path":"","value":1}]"#, 400),
        ("below a value", format!("{at}/a/b"), "1", 400),
        ("a polluting path", format!("{at}/__proto__/x"), "1", 400),
        ("a polluting member", at.clone(), r#"{"b":[{"__proto__":{}}]}"#, 400),
        ("too deep", at.clone(), &deep, 400),
        ("too large", at.clone(), &large, 413),
        ("no version", format!("{KEPT}/global/app"), "{}", 400),
        ("a version that is none", format!("{KEPT}/global/app/latest"), "{}", 400),
        ("a name that is too long", format!("{KEPT}/global/{}/1.0", "n".repeat(30)), "{}", 400),
        ("a name with a slash", format!("{KEPT}/global/a%2Fb/1.0"), "{}", 400),
        ("another scope", format!("{KEPT}/all/app/1.0"), "{}", 404),
        ("a user without a login", format!("{KEPT}/user/app/1.0"), "{}", 405),
    ];
    for (what, path, body, status) in table {
        let response = server.request("POST", &path, &[], body).await;
        assert_eq!(response.status, status, "{what}: {}", response.text());
        assert!(response.json()["message"].is_string(), "{what}");
    }
    assert_eq!(server.get(&at).await.json(), before);
    assert_eq!(server.request("DELETE", &at, &[], "").await.status, 405);
    assert_eq!(server.get(&format!("{KEPT}/user/app/1.0")).await.status, 404);
}

#[tokio::test]
async fn a_page_from_elsewhere_and_an_address_that_may_not_write_only_read() {
    let server = TestServer::start("").await;
    let at = format!("{KEPT}/global/app/1.0");
    let origin = format!("http://{}", server.http);
    for (origin, status) in [("http://elsewhere.example", 403), ("null", 403), (&*origin, 200)] {
        let response = server.request("POST", &at, &[("Origin", origin)], "{\"a\":1}").await;
        assert_eq!(response.status, status, "{origin}");
    }
    let elsewhere = server.request("GET", &at, &[("Origin", "http://elsewhere.example")], "").await;
    assert_eq!((elsewhere.status, elsewhere.json()), (200, json!({"a": 1})));

    let closed = TestServer::start("[server]\nallow_write = []\n").await;
    assert_eq!(post(&closed, &at, &json!({"a": 1})).await.status, 403);
    assert_eq!(closed.get(&at).await.json(), json!({}));
}

/// A server on a state directory that outlives it.
async fn start_in(state: &std::path::Path) -> Server {
    let environment = vec![("STATE_DIRECTORY".to_owned(), state.to_str().unwrap().to_owned())];
    let mut config = Config::load(&Sources { environment, ..Sources::default() }).unwrap();
    config.server.http = "127.0.0.1:0".parse().unwrap();
    (config.server.tcp, config.server.mdns) = (None, false);
    config.inputs.clear();
    Server::start(&config, Arc::new(SystemClock::new())).await.unwrap()
}

#[tokio::test]
async fn settings_are_there_again_after_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let at = format!("{KEPT}/global/My%20app.x/2.1");
    let first = start_in(state.path()).await;
    let saved = harness::http::request(first.http, "POST", &at, &[], "{\"layout\":[1.5,\"ü\"]}").await;
    assert_eq!(saved.status, 200);
    first.stop().await;
    let second = start_in(state.path()).await;
    let kept = harness::http::request(second.http, "GET", &at, &[], "").await;
    assert_eq!(kept.json(), json!({"layout": [1.5, "ü"]}));
    second.stop().await;
}

#[tokio::test]
async fn streams_that_ask_for_it_hear_of_the_server() {
    let toml = format!("[vessel]\nname = \"Gull\"\nmmsi = \"230099999\"\n{DEMO}");
    let server = TestServer::start(&toml).await;
    let mut dashboard = server.ws_greeted("subscribe=none&serverevents=all").await;
    let mut plotter = server.ws_greeted("subscribe=none").await;

    let is = |kind: &'static str| move |message: &Json| message["type"] == kind;
    let vessel = dashboard.next_json().await;
    assert_eq!(vessel["type"], "VESSEL_INFO");
    assert_eq!((&vessel["data"]["name"], &vessel["data"]["mmsi"]), (&json!("Gull"), &json!("230099999")));

    let connected = |message: &Json| message["type"] == "PROVIDERSTATUS" && message["data"][0]["type"] == "status";
    let status = dashboard.until("the demo boat is an input", connected).await;
    let input = &status["data"][0];
    assert_eq!((&input["id"], &input["statusType"]), (&json!("boat"), &json!("provider")));
    assert!(input["message"].is_string() && input["timeStamp"].is_string(), "{input}");

    // The newest figures come at once, the next after five seconds.
    let statistics = dashboard.until("statistics", is("SERVERSTATISTICS")).await;
    assert!(statistics.get("updates").is_none() && statistics["from"].is_string());
    let data = &statistics["data"];
    for name in ["deltaRate", "numberOfAvailablePaths", "wsClients", "uptime"] {
        assert!(data[name].is_number(), "{name}: {data}");
    }
    for name in ["deltaRate", "deltaCount", "writeRate", "writeCount"] {
        assert!(data["providerStatistics"]["boat"][name].is_number(), "{name}: {data}");
    }
    let busy = |message: &Json| {
        is("SERVERSTATISTICS")(message)
            && message["data"]["deltaRate"].as_f64() > Some(0.0)
            && message["data"]["providerStatistics"]["boat"]["deltaRate"].as_f64() > Some(0.0)
            && message["data"]["numberOfAvailablePaths"].as_u64() > Some(10)
            && message["data"]["wsClients"] == 2
    };
    dashboard.until("the demo boat counts", busy).await;
    // Everything that was sent to the other stream is there by now.
    plotter.silence(harness::SILENCE_MS).await;
}

#[tokio::test]
async fn health_names_every_input_and_readiness_ends_with_the_server() {
    let toml = format!("{DEMO}[[input]]\nname = \"gone\"\ntype = \"tcp\"\naddress = \"127.0.0.1:1\"\n");
    let server = TestServer::start(&toml).await;
    until("the demo boat is heard", || async {
        let health = server.get("/healthz").await.json();
        health["inputs"][0]["understood"].as_u64() > Some(0) && !health["inputs"][1]["problem"].is_null()
    })
    .await;
    let response = server.get("/healthz").await;
    assert_eq!(response.status, 200);
    let health = response.json();
    assert_eq!((&health["status"], &health["version"]), (&json!("ok"), &json!(env!("CARGO_PKG_VERSION"))));
    assert!(health["apiVersion"].is_string() && health["uptime"].is_u64());
    let boat = &health["inputs"][0];
    assert_eq!((&boat["name"], &boat["state"]), (&json!("boat"), &json!("running")));
    assert!(boat["lastHeard"].as_f64().unwrap() < 15.0);
    assert_eq!(health["inputs"][1]["lastHeard"], Json::Null);
    assert!(health["hub"]["head"].as_u64() > Some(0) && health["hub"]["rounds"].as_u64() > Some(0));

    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.json()), (200, json!({"ready": true})));
    server.server.shared.health.set_ready(false);
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.json()), (503, json!({"ready": false})));
    assert_eq!(server.get("/healthz").await.json()["status"], "stopping");
}

#[tokio::test]
async fn metrics_are_lines_that_prometheus_reads() {
    let server = TestServer::start(DEMO).await;
    let _stream = server.ws_greeted("subscribe=all").await;
    let value = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.and_then(|value| value.parse::<f64>().ok())
    };
    until("the demo boat is counted", || async {
        let text = server.get("/metrics").await.text().to_owned();
        value(&text, "taffrail_input_understood_total{input=\"boat\"}") > Some(0.0)
    })
    .await;
    let response = server.get("/metrics").await;
    assert!(response.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = response.text();
    assert!(text.ends_with("# EOF\n"));
    for name in [
        "taffrail_input_bytes_total{input=\"boat\"}",
        "taffrail_input_bad_checksum_total{input=\"boat\"}",
        "taffrail_input_up{input=\"boat\"}",
        "taffrail_input_last_heard_age_seconds{input=\"boat\"}",
        "taffrail_hub_changes_total",
        "taffrail_hub_rounds_total",
        "taffrail_hub_head",
        "taffrail_streams_open",
        "taffrail_stream_frames_total",
        "taffrail_streams_ended_total{reason=\"stalled\"}",
        "taffrail_model_contexts",
        "taffrail_model_paths",
        "taffrail_model_sources",
        "taffrail_uptime_seconds",
    ] {
        assert!(value(text, name).is_some(), "{name} is missing:\n{text}");
    }
    assert_eq!(value(text, "taffrail_streams_open"), Some(1.0));
    assert_eq!(value(text, "taffrail_input_up{input=\"boat\"}"), Some(1.0));
    if cfg!(target_os = "linux") {
        assert!(value(text, "taffrail_process_resident_memory_bytes") > Some(1e6));
    }
    // Each name is described once, whatever the number of inputs.
    let described: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let mut once = described.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), described.len());
}

#[tokio::test]
async fn status_shows_the_running_server_to_a_person() {
    let server = TestServer::start(DEMO).await;
    let http = server.http;
    let ask = || tokio::task::spawn_blocking(move || cli::status::ask(http));
    until("the demo boat is heard", || async { ask().await.unwrap().unwrap().contains(" ago") }).await;
    let text = ask().await.unwrap().unwrap();
    assert!(text.starts_with(&format!("Taffrail {} at {http}: ok, up ", env!("CARGO_PKG_VERSION"))), "{text}");
    let row = text.lines().find(|line| line.starts_with("boat ")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains("running"), "{row}");

    let arguments = ["taffrail", "status", "--http", "0.0.0.0:4711"].map(Into::into);
    let parsed = cli::parse(arguments, [("STATE_DIRECTORY".into(), "/tmp".into())]);
    assert!(matches!(parsed, Ok(cli::Command::Status(address)) if address == "127.0.0.1:4711".parse().unwrap()));
    server.stop().await;
    let error = ask().await.unwrap().unwrap_err();
    assert!(error.contains(&http.to_string()) && error.contains("is the server running?"), "{error}");
}
