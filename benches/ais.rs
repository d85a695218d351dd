//! From a sentence that has been framed to its update: time and allocations.

use divan::{AllocProfiler, Bencher, black_box};
use taffrail::ais::{Decoder, Tag};
use taffrail::kernel::time::Now;
use taffrail::nmea0183::sentence::Sentence;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn decode(bencher: Bencher<'_, '_>, sentences: &[&str]) {
    let sentences: Vec<_> = sentences.iter().map(|fields| Sentence::from_parts(true, "AI", "VDM", fields)).collect();
    let mut decoder = Decoder::new();
    let mut out = Vec::with_capacity(4);
    bencher.bench_local(|| {
        out.clear();
        for sentence in &sentences {
            decoder.sentence(black_box(sentence), Tag::default(), false, Now::default(), &mut out);
        }
        black_box(out.len())
    });
}

#[divan::bench]
fn class_a_position(bencher: Bencher<'_, '_>) {
    decode(bencher, &["1,1,,A,13aDoQP01sbl;`AdWd03CBlt0000,0"]);
}

#[divan::bench]
fn class_b_position(bencher: Bencher<'_, '_>) {
    decode(bencher, &["1,1,,A,B3aDp3h0?Nidi@H8ubRaf765h000,0"]);
}

#[divan::bench]
fn aid_to_navigation(bencher: Bencher<'_, '_>) {
    decode(bencher, &["1,1,,A,E>jMfikQ:WdhKP0000000000000@:hNP>p9P020@88v@10,4"]);
}

#[divan::bench]
fn voyage_in_two_sentences(bencher: Bencher<'_, '_>) {
    decode(
        bencher,
        &["2,1,1,A,53aDot42Ee3PS=8<000EHE:0LUHDp00000000016I38MM5WdNWDSm51D,0", "2,2,1,A,Q0C@00000000000,2"],
    );
}
