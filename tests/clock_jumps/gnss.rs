//! The time that a receiver tells: it dates what was recorded, lags at midnight, or is 1024 weeks behind.

use super::harness::{Stream as _, until};
use super::machine::{Aboard, DEPTH, HOUR, POSITION, at, gga, real, rmc, since_1970};

const DAY: i64 = 24 * HOUR;
/// The 1024 weeks of GPS.
const ROLLOVER: i64 = 1024 * 7 * DAY;

#[tokio::test]
async fn a_receiver_dates_everything_although_the_clock_stays_wrong() {
    let mut aboard = Aboard::on_a_board(since_1970(40_000)).await;
    aboard.depth(1.0).await;
    for second in 0..7 {
        aboard.clock.advance(1_000);
        aboard.says(&[&gga(&format!("10000{second}")), &rmc(&format!("10000{second}"), "150127")]).await;
    }
    let health = aboard.until_trusted().await;
    assert_eq!(health["why"], "gnss", "{health}");
    // What was said before is put right for those who ask now.
    let stamp = async || aboard.server.node("vessels/self/environment/depth/belowKeel").await["timestamp"].clone();
    until("the model is put right", || async { stamp().await == real("09:59:59").to_string() }).await;
    aboard.depth(2.0).await;
    let expected = [at(real("09:59:59"), 1.0), at(real("10:00:06"), 2.0)];
    aboard.comes_to(DEPTH, &expected).await;
    assert_eq!(aboard.server.ws("").await.next_json().await["timestamp"], "2027-01-15T10:00:06.000Z");
    assert_eq!(stamp().await, expected[1].0);
    // The first fix came before any date was known: it is dated like the depth, not in 1970.
    let positions = aboard.recorded(POSITION);
    assert_eq!(positions[0].0, real("10:00:00").to_string(), "{positions:?}");
    assert_eq!(positions.len(), 14);
    // When the system's clock is set, nothing moves.
    aboard.clock.set_wall(real("10:00:06"));
    until("the clock is right", || async { aboard.health().await["correction"] == 0.0 }).await;
    aboard.depth(3.0).await;
    assert_eq!(aboard.recorded(DEPTH).last().unwrap(), &at(real("10:00:06"), 3.0));
}

#[tokio::test]
async fn one_date_that_agrees_with_the_clock_confirms_it() {
    let mut aboard = Aboard::on_a_board(real("10:00:00")).await;
    aboard.says(&["GPZDA,100001.00,15,01,2027,,"]).await;
    assert_eq!(aboard.until_trusted().await["why"], "gnss");
}

#[tokio::test]
async fn a_receiver_without_a_fix_confirms_nothing() {
    let mut aboard = Aboard::on_a_board(real("10:00:00")).await;
    aboard.says(&["GPRMC,100000.00,V,,,,,,,150127,,,N"]).await;
    assert_eq!(aboard.health().await["why"], "unconfirmed");
}

#[tokio::test]
async fn positions_around_midnight_stay_in_order_when_the_date_lags_by_a_second() {
    for (dates, what) in [(["150127", "150127", "160127"], "RMC"), (["150127", "160127", "160127"], "none")] {
        let mut aboard = Aboard::on_a_computer(real("23:59:58")).await;
        let mut stamps = Vec::new();
        for (second, (time, date)) in ["235959", "000000", "000001"].into_iter().zip(dates).enumerate() {
            aboard.clock.advance(1_000);
            // The receiver says GGA before the sentence that tells the date.
            aboard.says(&[&gga(time), &rmc(time, date)]).await;
            let at = real("23:59:59").plus_millis(second as i64 * 1_000).to_string();
            stamps.extend([at.clone(), at]);
        }
        until("all are recorded", || async { aboard.recorded(POSITION).len() == 6 }).await;
        let recorded: Vec<String> = aboard.recorded(POSITION).into_iter().map(|(at, _)| at).collect();
        assert_eq!(recorded, stamps, "late: {what}");
        let last = aboard.server.node("vessels/self/navigation/datetime/value").await;
        assert_eq!(last, "2027-01-16T00:00:01.000Z");
    }
}

#[tokio::test]
async fn a_receiver_behind_by_1024_weeks_poisons_neither_the_history_nor_the_clock() {
    let long_ago = real("10:00:00").plus_millis(-ROLLOVER).civil();
    let date = format!("{:02}{:02}{:02}", long_ago.day, long_ago.month, long_ago.year % 100);
    // On a trusted clock its times are taken out of the wrong cycle.
    let mut aboard = Aboard::on_a_computer(real("10:00:00")).await;
    for second in 0..8 {
        aboard.clock.advance(1_000);
        let time = format!("10000{}", second + 1);
        aboard.says(&[&gga(&time), &rmc(&time, &date)]).await;
    }
    until("all are recorded", || async { aboard.recorded(POSITION).len() == 16 }).await;
    assert_eq!(aboard.recorded_in(POSITION, 1969..2027), []);
    assert_eq!(aboard.recorded(POSITION)[0].0, real("10:00:01").to_string());
    assert_eq!(aboard.health().await["why"], "computer");
    // A clock that is not trusted does not become so by it.
    let mut aboard = Aboard::on_a_board(since_1970(40_000)).await;
    aboard.depth(1.0).await;
    for second in 0..8 {
        aboard.clock.advance(1_000);
        aboard.says(&[&rmc(&format!("10000{}", second + 1), &date)]).await;
    }
    assert_eq!(aboard.health().await["why"], "beforeBuild");
    aboard.clock.set_wall(real("10:00:08"));
    aboard.depth(2.0).await;
    aboard.comes_to(DEPTH, &[at(real("10:00:00"), 1.0), at(real("10:00:08"), 2.0)]).await;
}
