//! The HTTP listener: accepts, bounds, and hands connections to the router.
//!
//! `axum::serve` has no limit on how long a client may take to send its headers, so this is hyper's own connection, with one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::Shared;
use super::metered::Metered;
use super::patience::Patience;

/// HTTP connections at one time, streams included. One more waits in the kernel's queue until another has gone.
pub const CONNECTIONS_MAX: usize = 2_048;
/// A client that has not sent its headers by then is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of a request's head at the most.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Pause after an accept failed (no descriptors left): the next one would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until the token is cancelled.
pub async fn serve(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    let bounds = Bounds { patience: shared.patience(), token: shared.token.clone(), tracker: shared.tracker.clone() };
    serve_within(listener, router, bounds).await;
}

/// What connections have in common, whatever is served.
pub(super) struct Bounds {
    /// How long peers are waited for.
    pub(super) patience: Patience,
    /// Stops all.
    pub(super) token: CancellationToken,
    /// Waits for all.
    pub(super) tracker: TaskTracker,
}

pub(super) async fn serve_within(listener: TcpListener, router: Router, bounds: Bounds) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = places.clone().acquire_owned();
        let (place, accepted) = tokio::select! {
            () = bounds.token.cancelled() => return,
            next = async { (place.await, listener.accept().await) } => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept on the HTTP port failed; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let service = router.clone();
        let token = bounds.token.clone();
        let patience = bounds.patience;
        bounds.tracker.spawn(async move {
            let _place = place;
            connection(stream, peer, patience, service, token).await;
        });
    }
}

async fn connection(
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
    patience: Patience,
    router: Router,
    token: CancellationToken,
) {
    // Frames are already gathered into lots; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    super::tcp::bound_kernel_buffers(&stream);
    let (stream, written) = Metered::new(stream, patience);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(written.clone());
        router.clone().call(request)
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = token.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "HTTP connection ended");
    }
}
