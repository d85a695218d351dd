//! The history over HTTP: what was recorded comes back as rows, and a question that makes no sense gets an answer that
//! says so.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

mod harness;

use harness::{Response, TestServer, until, vessel_delta};
use serde_json::{Value as Json, json};

const RECORDING: &str = "[history]\nenabled = true\ncommit_interval = \"1s\"\n";
const API: &str = "/signalk/v2/api/history";

/// Values of one path and source at times of a day long past.
fn told(source: &str, path: &str, values: &[(&str, Json)]) -> Json {
    let updates: Vec<Json> = values
        .iter()
        .map(|(time, value)| {
            json!({"$source": source, "timestamp": at(time), "values": [{"path": path, "value": value}]})
        })
        .collect();
    json!({ "updates": updates })
}

fn at(time: &str) -> String {
    format!("2026-06-15T{time}Z")
}

async fn ask(server: &TestServer, query: &str) -> Response {
    server.get(&format!("{API}/{query}")).await
}

async fn rows(server: &TestServer, query: &str) -> Json {
    let response = ask(server, &format!("values?{query}")).await;
    assert_eq!(response.status, 200, "{query}: {}", response.text());
    response.json()
}

/// A server that has recorded some minutes of a morning.
async fn morning() -> TestServer {
    let server = TestServer::start(RECORDING).await;
    until("the recorder is open", || async { server.get("/healthz").await.json()["history"]["state"] == "recording" })
        .await;
    let number = |n: f64| json!(n);
    let place = |latitude: f64| json!({"latitude": latitude, "longitude": 24.9});
    server
        .send(&told(
            "log.VW",
            "navigation.speedThroughWater",
            &[
                ("10:00:00.000", number(1.0)),
                ("10:00:05.000", number(3.0)),
                ("10:00:09.000", number(5.0)),
                ("10:00:25.000", number(7.0)),
            ],
        ))
        .await;
    server.send(&told("log-2", "navigation.speedThroughWater", &[("10:00:06.000", number(11.0))])).await;
    server
        .send(&told(
            "gps",
            "navigation.position",
            &[("10:00:01.000", place(60.1)), ("10:00:04.000", place(60.2)), ("10:00:12.000", place(60.3))],
        ))
        .await;
    server
        .send(&told(
            "compass",
            "navigation.headingTrue",
            &[("10:00:02.000", number(0.1)), ("10:00:03.000", number(std::f64::consts::TAU - 0.1))],
        ))
        .await;
    server.inject(vessel_delta(230_029_970, "navigation.speedOverGround", 4.5)).await;
    server
}

const FULL: &str = "from=2026-06-15T10:00:00Z&to=2026-06-15T10:01:00Z";

#[tokio::test]
async fn rows_are_aligned_and_gaps_are_null() {
    let server = morning().await;
    let query = format!("paths=navigation.speedThroughWater:max|log.VW,navigation.position&{FULL}&resolution=10s");
    let own = server.own().await;
    until("the recorder has it", || async { rows(&server, &query).await["data"].as_array().unwrap().len() == 3 }).await;
    let place = |latitude: f64| json!({"latitude": latitude, "longitude": 24.9});
    assert_eq!(
        rows(&server, &query).await,
        json!({
            "context": own,
            "range": {"from": at("10:00:00.000"), "to": at("10:01:00.000")},
            "values": [
                {"path": "navigation.speedThroughWater", "method": "max", "$source": "log.VW"},
                {"path": "navigation.position", "method": "first"},
            ],
            "data": [
                [at("10:00:00.000"), 5.0, place(60.1)],
                [at("10:00:10.000"), null, place(60.3)],
                [at("10:00:20.000"), 7.0, null],
            ],
        })
    );
}

#[tokio::test]
async fn each_method_makes_its_own_column() {
    let server = morning().await;
    let path = "navigation.speedThroughWater";
    let methods = ["average", "min", "max", "first", "last", "mid", "middle_index", "sma:2", "ema:0.5"];
    let columns: Vec<String> = methods.iter().map(|method| format!("{path}:{method}|log.VW")).collect();
    let query = format!("paths={}&{FULL}&resolution=20", columns.join(","));
    until("the recorder has it", || async { rows(&server, &query).await["data"].as_array().unwrap().len() == 2 }).await;
    let found = rows(&server, &query).await;
    assert_eq!(found["data"][0], json!([at("10:00:00.000"), 3.0, 1.0, 5.0, 1.0, 5.0, 3.0, 3.0, 3.0, 3.0]));
    assert_eq!(found["data"][1], json!([at("10:00:20.000"), 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 5.0, 5.0]));
    let words: Vec<&str> = found["values"].as_array().unwrap().iter().map(|v| v["method"].as_str().unwrap()).collect();
    assert_eq!(words, ["average", "min", "max", "first", "last", "mid", "middle_index", "sma", "ema"]);

    // The context may be given in any of its forms, the range in any of its combinations; a minute is read the same way.
    for same in [
        "from=2026-06-15T10:00:00Z&duration=PT1M",
        "from=2026-06-15T10:00:00Z&duration=60&context=vessels.self&provider=taffrail",
        "to=2026-06-15T10:01:00Z&duration=PT60S",
        "to=2026-06-15T10:01:00Z&duration=60",
    ] {
        let found = rows(&server, &format!("paths={path}:max|log.VW&{same}&resolution=1m")).await;
        assert_eq!(found["data"], json!([[at("10:00:00.000"), 7.0]]), "{same}");
    }
}

#[tokio::test]
async fn sources_are_together_or_each_by_itself() {
    let server = morning().await;
    let path = "navigation.speedThroughWater";
    let query = format!("paths={path}:max,navigation.position&{FULL}&resolution=60&sourcePolicy=all");
    until("the recorder has both", || async { rows(&server, &query).await["values"].as_array().unwrap().len() == 3 })
        .await;
    let found = rows(&server, &query).await;
    assert_eq!(
        found["values"],
        json!([
            {"path": path, "method": "max", "$source": "log-2"},
            {"path": path, "method": "max", "$source": "log.VW"},
            {"path": "navigation.position", "method": "first", "$source": "gps"},
        ])
    );
    let expected = json!([at("10:00:00.000"), 11.0, 7.0, {"latitude": 60.1, "longitude": 24.9}]);
    assert_eq!(found["data"][0], expected);
    let found = rows(&server, &format!("paths={path}:max,{path}:min|log-2&{FULL}&resolution=60")).await;
    assert_eq!(
        found["values"],
        json!([{"path": path, "method": "max"}, {"path": path, "method": "min", "$source": "log-2"}])
    );
    assert_eq!(found["data"], json!([[at("10:00:00.000"), 11.0, 11.0]]));
}

#[tokio::test]
async fn a_mean_heading_around_north_is_not_south() {
    let server = morning().await;
    let query = format!("paths=navigation.headingTrue&{FULL}&resolution=60");
    until("the recorder has it", || async { !rows(&server, &query).await["data"][0].is_null() }).await;
    let mean = rows(&server, &query).await["data"][0][1].as_f64().unwrap();
    assert!(!(0.01..std::f64::consts::TAU - 0.01).contains(&mean), "{mean}");
}

#[tokio::test]
async fn paths_and_contexts_of_a_range() {
    let server = morning().await;
    let own = server.own().await;
    let other = "vessels.urn:mrn:imo:mmsi:230029970";
    until("the recorder has it", || async {
        ask(&server, "contexts?duration=PT1H").await.json().as_array().unwrap().contains(&json!(other))
    })
    .await;
    assert_eq!(
        ask(&server, &format!("paths?{FULL}&context=self")).await.json(),
        json!(["navigation.headingTrue", "navigation.position", "navigation.speedThroughWater"])
    );
    assert_eq!(
        ask(&server, &format!("paths?duration=PT1H&context={other}")).await.json(),
        json!(["navigation.speedOverGround"])
    );
    assert_eq!(ask(&server, &format!("contexts?{FULL}")).await.json(), json!([own]));
    assert_eq!(ask(&server, "contexts?from=2020-01-01T00:00:00Z&duration=60").await.json(), json!([]));
    let found = rows(&server, &format!("paths=navigation.speedOverGround&duration=PT1H&context={other}")).await;
    assert_eq!((&found["context"], &found["data"][0][1]), (&json!(other), &json!(4.5)));
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused_with_a_reason() {
    let server = TestServer::start(RECORDING).await;
    let long = vec!["a.b"; 65].join(",");
    for query in [
        "values",
        "values?paths=a.b",
        "values?duration=60",
        "values?paths=a.b&to=2026-06-15T10:00:00Z",
        "values?paths=a.b&from=2026-06-15T10:00:00Z&to=2026-06-15T11:00:00Z&duration=60",
        "values?paths=a.b&from=2026-06-15T11:00:00Z&to=2026-06-15T10:00:00Z",
        "values?paths=a.b&from=x",
        "values?paths=a.b&duration=x",
        "values?paths=a.b&duration=60&resolution=x",
        "values?paths=a.b&duration=60&resolution=0",
        "values?paths=a.b:median&duration=60",
        "values?paths=a.b&duration=60&provider=other",
        "values?paths=a.b&duration=60&sourcePolicy=x",
        "values?paths=a.b&duration=P365D&resolution=1",
        &format!("values?paths={long}&duration=60"),
        "paths",
        "contexts",
        "contexts?to=2026-06-15T10:00:00Z",
        "contexts?duration=60&provider=other",
    ] {
        let response = ask(&server, query).await;
        assert_eq!(response.status, 400, "{query}: {}", response.text());
        let reason = response.json()["error"].as_str().unwrap_or_default().to_owned();
        assert!(reason.starts_with("Validation errors: ") && reason.len() > 25, "{query}: {reason}");
    }
}

#[tokio::test]
async fn there_is_one_provider_and_it_says_so() {
    let server = TestServer::start(RECORDING).await;
    assert_eq!(ask(&server, "_providers").await.json(), json!({"taffrail": {"isDefault": true}}));
    assert_eq!(ask(&server, "_providers/_default").await.json(), json!({"id": "taffrail", "configured": "taffrail"}));
    assert_eq!(server.get("/signalk/v2/features").await.json()["apis"], json!(["history"]));

    let health = async || server.get("/healthz").await.json()["history"].clone();
    server.put("navigation.speedOverGround", 3.0).await;
    until("a commit", || async { health().await["records"].as_u64() > Some(0) }).await;
    let recorder = health().await;
    assert_eq!((&recorder["state"], &recorder["lost"]), (&json!("recording"), &json!(0)), "{recorder}");
    assert!(recorder["durable"].is_u64() && recorder["bytes"].as_u64() > Some(0), "{recorder}");
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains("\ntaffrail_history_up 1.0\n"), "{}", metrics.text());
    assert!(metrics.text().contains("\ntaffrail_history_lost_total 0\n"), "{}", metrics.text());
}

#[tokio::test]
async fn without_a_history_it_is_not_offered() {
    let server = TestServer::start("[history]\nenabled = false\n").await;
    for query in ["values?paths=a.b&duration=60", "paths?duration=60", "contexts?duration=60", "_providers/_default"] {
        let response = ask(&server, query).await;
        assert_eq!(response.status, 501, "{query}");
        assert!(response.json()["error"].is_string(), "{query}");
    }
    assert_eq!(ask(&server, "_providers").await.json(), json!({}));
    assert_eq!(server.get("/signalk/v2/features").await.json()["apis"], json!([]));
    assert!(server.get("/healthz").await.json().get("history").is_none());
}
