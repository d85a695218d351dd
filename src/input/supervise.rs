//! Keeps one input alive: connect, run, say why it ended, wait, try again. A panic below ends one connection, not the
//! input and not the server.

use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::ended::{Ended, Why};
use super::intake::Intake;
use super::{demo, file, serial, signalk, stdin, tcp, tcp_listen, udp};
use crate::config::InputKind;

/// Runs an input until it has nothing more to give or `token` is cancelled.
pub(super) async fn supervise(kind: InputKind, intake: Arc<Intake>, token: CancellationToken) {
    let timing = &intake.wiring.timing;
    let longest = if is_remote(&kind) { timing.backoff_max_remote } else { timing.backoff_max_local };
    let mut backoff = Backoff::new(timing.backoff_first, longest);
    let mut logged: Option<Ended> = None;
    loop {
        intake.status.connecting();
        let attempt = AssertUnwindSafe(run(&kind, &intake)).catch_unwind();
        let Some(outcome) = token.run_until_cancelled(Box::pin(attempt)).await else { break };
        let ended = outcome.unwrap_or_else(|payload| Ended::panicked(&*payload));
        let now = intake.now();
        let stood_ms = intake.status.stood_ms(now);
        if ended.why == Why::Stopping {
            break;
        }
        if ended.why == Why::Eof {
            tracing::info!(input = %intake.name, "{ended}");
            break;
        }
        // A port that is not plugged in fails every second for months: each different problem is told once.
        // A device that is quiet by nature would tell the log so every minute.
        if logged.as_ref() != Some(&ended) || (stood_ms.is_some() && ended.why != Why::Silent) {
            tracing::warn!(input = %intake.name, "{ended}");
        } else {
            tracing::debug!(input = %intake.name, "{ended}");
        }
        intake.status.problem(&ended, now);
        if ended.why.is_final() {
            break;
        }
        if stood_ms.is_some_and(|ms| Duration::from_millis(ms) >= timing.stable) {
            backoff.reset();
        }
        // A device that is merely quiet is opened anew at once, so that its next sentence is not missed.
        let wait = if ended.why == Why::Silent { Duration::ZERO } else { backoff.next(random_bits()) };
        intake.status.waiting(now.mono + wait.as_millis() as u64);
        if token.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            break;
        }
        logged = Some(ended);
    }
    intake.status.ended();
}

/// One connection from the attempt to its end.
async fn run(kind: &InputKind, intake: &Intake) -> Ended {
    match kind {
        InputKind::Serial { device, baud } => serial::run(device, *baud, intake).await,
        InputKind::Tcp { address } => tcp::run(address, intake).await,
        InputKind::TcpListen { address } => tcp_listen::run(*address, intake).await,
        InputKind::Udp { address } => udp::run(*address, intake).await,
        InputKind::File { path, rate, repeat } => file::run(path, *rate, *repeat, intake).await,
        InputKind::Stdin => stdin::run(intake).await,
        InputKind::Demo { seed, rate } => demo::run(*seed, *rate, intake).await,
        InputKind::SignalK(upstream) => signalk::run(upstream, intake).await,
    }
}

/// Whether another machine is at the other end, which deserves longer pauses than our own port does.
fn is_remote(kind: &InputKind) -> bool {
    matches!(kind, InputKind::Tcp { .. } | InputKind::SignalK(_))
}

/// Bits for jitter. Each `RandomState` of the standard library is seeded at random; nothing here needs better.
fn random_bits() -> u64 {
    RandomState::new().hash_one(0_u8)
}
