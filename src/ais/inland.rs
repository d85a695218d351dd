//! Type 8, area 200, function 10: size and draught of a vessel on European inland waters (CCNR, Vessel Tracking and
//! Tracing Standard for Inland Navigation, message IFM 10). Her metres come with a decimal, which type 5 has no room for.

use super::sixbit::Payload;
use super::to_update::{push_beam, push_draught, push_length, push_mmsi};
use crate::kernel::update::{Context, Mmsi, Root, Source, Update};
use crate::kernel::value::Value;

/// Bits up to the end of the draught.
const BITS_MIN: usize = 155;

/// The update about the sender; `None` when the message is too short to hold its fields.
pub fn update(mmsi: Mmsi, payload: &Payload, source: Source, own: bool) -> Option<Update> {
    if payload.capacity() < BITS_MIN {
        return None;
    }
    let context = if own { Context::Own } else { Context::Mmsi(Root::Vessels, mmsi) };
    let mut update = Update::new(context, source, 6);
    push_mmsi(&mut update, mmsi);
    push_length(&mut update, payload.unsigned(104, 13));
    push_beam(&mut update, payload.unsigned(117, 10));
    push_draught(&mut update, f64::from(payload.unsigned(144, 11)) / 100.0);
    update.push("sensors.ais.designatedAreaCode", Value::Integer(200));
    update.push("sensors.ais.functionalId", Value::Integer(10));
    Some(update)
}
