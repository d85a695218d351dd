//! Depth: DPT, DBT, DBS, DBK.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, understood};
use crate::kernel::update::Update;

const BELOW_TRANSDUCER: &str = "environment.depth.belowTransducer";
const BELOW_SURFACE: &str = "environment.depth.belowSurface";
const BELOW_KEEL: &str = "environment.depth.belowKeel";

/// DPT: 1 depth below the transducer (m), 2 offset: above zero from the transducer up to the surface, below zero down to
/// the keel, 3 range of the sounder. An empty depth is a lost bottom: null.
pub fn dpt(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let depth = field::number(s.field(1));
    put(update, BELOW_TRANSDUCER, depth);
    let offset = field::number(s.field(2)).unwrap_or(0.0);
    if offset > 0.0 {
        put(update, "environment.depth.surfaceToTransducer", Some(offset));
    } else if offset < 0.0 {
        put(update, "environment.depth.transducerToKeel", Some(-offset));
    }
    if offset != 0.0 {
        if let Some(depth) = depth {
            put(update, if offset > 0.0 { BELOW_SURFACE } else { BELOW_KEEL }, Some(depth + offset));
        }
    }
    understood(update)
}

/// DBT: depth below the transducer, in three units.
pub fn dbt(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    in_three_units(s, update, BELOW_TRANSDUCER)
}

/// DBS: depth below the surface, in three units.
pub fn dbs(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    in_three_units(s, update, BELOW_SURFACE)
}

/// DBK: depth below the keel, in three units.
pub fn dbk(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    in_three_units(s, update, BELOW_KEEL)
}

/// 1-2 feet `f`, 3-4 metres `M`, 5-6 fathoms `F`; metres where they are given, as the others were rounded from them.
fn in_three_units(s: &Sentence<'_>, update: &mut Update, path: &'static str) -> Outcome {
    let depth = field::number(s.field(3)).or_else(|| field::feet(s.field(1))).or_else(|| field::fathoms(s.field(5)));
    put(update, path, depth);
    understood(update)
}
