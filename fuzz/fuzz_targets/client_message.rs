//! Whatever a client says, in whatever order, the session answers in JSON and never falls over.
#![no_main]

use libfuzzer_sys::fuzz_target;
use taffrail::kernel::id::{Origin, Seq};
use taffrail::kernel::model::Arrival;
use taffrail::kernel::session::{FrameCache, Implied, Options, Session};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::world::{Setup, World};
use taffrail::kernel::{decode, json, subscription};

fuzz_target!(|text: &str| {
    let mut world = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), Seq(1));
    let options = Options { subscribe: Implied::None, send_meta: true, ..Options::default() };
    let mut session = Session::new(options, &world, Moment::from_millis(0));
    for (i, line) in text.lines().take(50).enumerate() {
        let now = Now { wall: Timestamp::from_millis(1_700_000_000_000), mono: Moment::from_millis(i as u64 * 100) };
        if let Some(decoded) = decode::delta(line, "ws") {
            let arrival = Arrival { input: "ws", origin: Origin::SERVER, now, heard: true };
            world.apply(decoded.updates, &arrival);
        }
        if json::depth_is_bounded(line) {
            if let Some(message) = json::object::<subscription::Subscribe<'_>>(line) {
                let (rows, _) = subscription::rows_of(&message, false);
                let _ = session.subscribe(rows, &world, now.mono);
            }
        }
        let mut frames = Vec::new();
        session.pump(&world, &FrameCache::default(), now, &mut frames, 1 << 16);
        for frame in frames {
            serde_json::from_slice::<serde_json::Value>(&frame).expect("every frame is JSON");
        }
    }
});
