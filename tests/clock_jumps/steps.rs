//! The clock is set while values are recorded: out of 1970, forward, back, and into 1970 again.

use serde_json::{Value as Json, json};

use super::harness::{SILENCE_MS, Stream as _, until};
use super::machine::{Aboard, DEPTH, HOUR, at, real, since_1970};

#[tokio::test]
async fn values_of_1970_are_found_and_played_at_their_right_times_once_the_clock_is_set() {
    let aboard = Aboard::on_a_board(since_1970(40_000)).await;
    let mut expected = Vec::new();
    for n in 1..=4_i64 {
        aboard.depth(n as f64).await;
        // Some are on the disk by now, and some still in memory.
        aboard.clock.advance(10_000);
        if n == 2 {
            let durable = || aboard.server.server.shared.history.as_ref().unwrap().status.get().commits;
            until("there was a commit", || async { durable() > 0 }).await;
        }
        expected.push(at(real("10:00:00").plus_millis((n - 5) * 10_000), n as f64));
    }
    assert_eq!(aboard.recorded_in(DEPTH, 1969..1971).len(), 4, "they are found where the clock was");
    aboard.clock.set_wall(real("10:00:00"));
    aboard.depth(5.0).await;
    expected.push(at(real("10:00:00"), 5.0));
    aboard.comes_to(DEPTH, &expected).await;
    aboard.clock.advance(10_000);
    aboard.depth(6.0).await;
    expected.push(at(real("10:00:10"), 6.0));
    assert_eq!(aboard.played(real("09:00:00"), real("10:00:11")).await, expected);
    // The API too, and after the windows are sealed.
    aboard.clock.advance(2 * HOUR as u64);
    let seals = || aboard.server.server.shared.history.as_ref().unwrap().status.get().seals;
    until("the windows are sealed", || async { seals() > 0 }).await;
    aboard.comes_to(DEPTH, &expected).await;
    let query = format!("from=2027-01-15T09:59:00Z&to=2027-01-15T10:01:00Z&resolution=1&paths={DEPTH}:last");
    let rows = aboard.server.get(&format!("/signalk/v2/api/history/values?{query}")).await.json();
    let rows = rows["data"].as_array().unwrap();
    let values: Vec<&Json> = rows.iter().map(|row| &row[1]).filter(|value| !value.is_null()).collect();
    assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[tokio::test]
async fn a_clock_set_forward_loses_nothing_and_streams_keep_their_pace() {
    let aboard = Aboard::on_a_computer(real("10:00:00")).await;
    let mut client = aboard.server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": DEPTH, "policy": "instant", "minPeriod": 60_000}])).await;
    client.settled().await;
    aboard.depth(1.0).await;
    client.until_value(DEPTH, 1.0).await;
    aboard.clock.set_wall(real("15:00:00"));
    aboard.depth(2.0).await;
    client.silence(SILENCE_MS).await;
    aboard.clock.advance(60_000);
    aboard.depth(3.0).await;
    client.until_value(DEPTH, 3.0).await;
    let expected = [at(real("10:00:00"), 1.0), at(real("15:00:00"), 2.0), at(real("15:01:00"), 3.0)];
    aboard.comes_to(DEPTH, &expected).await;
    assert_eq!(aboard.played(real("09:00:00"), real("16:00:00")).await, expected);
    let health = aboard.health().await;
    assert_eq!((&health["steps"], &health["lastStep"]), (&json!(1), &json!(18_000.0)), "{health}");
    aboard.until_epochs(&[5 * HOUR]).await;
}

#[tokio::test]
async fn a_clock_set_back_loses_nothing_and_playback_goes_forward() {
    let aboard = Aboard::on_a_computer(real("15:00:00")).await;
    let mut client = aboard.server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": DEPTH, "policy": "instant", "minPeriod": 1_000}])).await;
    client.settled().await;
    for n in [1.0, 2.0] {
        aboard.depth(n).await;
        aboard.clock.advance(10_000);
    }
    aboard.clock.set_wall(real("12:00:00"));
    for n in [3.0, 4.0] {
        aboard.depth(n).await;
        client.until_value(DEPTH, n).await;
        aboard.clock.advance(10_000);
    }
    let expected =
        [at(real("12:00:00"), 3.0), at(real("12:00:10"), 4.0), at(real("15:00:00"), 1.0), at(real("15:00:10"), 2.0)];
    aboard.comes_to(DEPTH, &expected).await;
    assert_eq!(aboard.played(real("11:00:00"), real("16:00:00")).await, expected);
    aboard.until_epochs(&[-3 * HOUR - 20_000]).await;
}

#[tokio::test]
async fn a_clock_that_falls_back_to_1970_is_not_trusted_and_what_it_stamped_is_moved_when_it_is_set_again() {
    let aboard = Aboard::on_a_computer(real("10:00:00")).await;
    aboard.depth(1.0).await;
    aboard.clock.advance(60_000);
    aboard.clock.set_wall(since_1970(0));
    aboard.depth(2.0).await;
    assert_eq!(aboard.health().await["why"], "beforeBuild");
    assert_eq!(aboard.server.ws("").await.next_json().await.get("timestamp"), None);
    aboard.clock.advance(60_000);
    aboard.clock.set_wall(real("10:02:00"));
    aboard.depth(3.0).await;
    let expected = [at(real("10:00:00"), 1.0), at(real("10:01:00"), 2.0), at(real("10:02:00"), 3.0)];
    aboard.comes_to(DEPTH, &expected).await;
}
