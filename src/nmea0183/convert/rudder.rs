//! Rudder: RSA.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;

/// RSA: 1-2 starboard (or single) rudder in degrees, plus turns to starboard, and its status; 3-4 the same for the port
/// rudder, which stands in when only that one is valid.
pub fn rsa(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    const PATH: &str = "steering.rudderAngle";
    let status = [field::status(s.field(2)), field::status(s.field(4))];
    match status {
        [Some(true), _] => put(update, PATH, field::degrees(s.field(1))),
        [_, Some(true)] => put(update, PATH, field::degrees(s.field(3))),
        [Some(false), _] | [_, Some(false)] => {
            update.push(PATH, Value::Null);
            return Outcome::Void;
        }
        [None, None] => {}
    }
    understood(update)
}
