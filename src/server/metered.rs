//! A TCP stream that counts what the peer has accepted, so that a slow peer can be told from one that has stopped, and
//! that lets the kernel find out about a peer that has vanished.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::patience::Patience;
use super::shut_windows::{Ends, ShutWindows};

/// What is known of how a peer accepts.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<Acceptance>);

#[derive(Debug, Default)]
struct Acceptance {
    /// Bytes that the kernel took for the peer.
    bytes: AtomicU64,
    /// The peer takes nothing from the kernel.
    shut: AtomicBool,
    /// Local and remote address.
    ends: Option<Ends>,
}

impl Written {
    fn over(stream: &TcpStream) -> Self {
        let ends = stream.local_addr().ok().zip(stream.peer_addr().ok());
        Self(Arc::new(Acceptance { ends, ..Acceptance::default() }))
    }

    /// How many bytes the kernel took so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Looks whether the peer has shut its window, and if so how many bytes it has ever taken; the stream acts on it with
    /// the next flush. `fresh` is how old a reading may be; what was written since counts as taken, so that a peer is rather
    /// held to be slow than to have stopped: the kernel's buffer fills soon where that much is written.
    pub fn look(&self, windows: &ShutWindows, fresh: Duration) -> Option<u64> {
        let held_back = self.0.ends.and_then(|ends| windows.held_back(ends, fresh));
        self.0.shut.store(held_back.is_some(), Ordering::Relaxed);
        held_back.map(|waiting| self.bytes().saturating_sub(waiting))
    }
}

/// The stream.
#[derive(Debug)]
pub struct Metered {
    inner: TcpStream,
    written: Written,
    patience: Patience,
}

impl Metered {
    /// Counts what is written to `inner`, and waits for its peer with `patience`.
    pub fn new(inner: TcpStream, patience: Patience) -> (Self, Written) {
        patience.begin(&inner);
        let written = Written::over(&inner);
        (Self { inner, written: written.clone(), patience }, written)
    }

    fn count(&mut self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(n)) => {
                self.written.0.bytes.fetch_add(n as u64, Ordering::Relaxed);
                // The kernel has room; whether the peer has is another matter.
                if self.written.0.shut.load(Ordering::Relaxed) {
                    self.patience.accepts_nothing(&self.inner);
                } else {
                    self.patience.accepts(&self.inner);
                }
            }
            Poll::Pending => self.patience.accepts_nothing(&self.inner),
            Poll::Ready(Err(_)) => {}
        }
        result
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.count(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.count(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Said here too, because a peer that is only pinged over a raw stream is written nothing.
        let this = &mut *self;
        if this.written.0.shut.load(Ordering::Relaxed) {
            this.patience.accepts_nothing(&this.inner);
        }
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
