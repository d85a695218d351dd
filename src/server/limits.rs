//! How many streams one address may have, and how long the body of a request may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

/// Bytes of a request's body at the most; what announces more is answered 413 and not read (ERR-09).
const BODY_BYTES_MAX: u64 = 10_000_000;

/// Refuses requests whose body is too long.
pub async fn body(request: Request<Body>, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY_BYTES_MAX) {
        let words = format!("the body is longer than {BODY_BYTES_MAX} bytes");
        return super::headers::error(StatusCode::PAYLOAD_TOO_LARGE, &words);
    }
    next.run(request).await
}

/// Streams by address. The map holds only addresses that have one open, so it is bounded by the streams themselves.
#[derive(Debug, Clone, Default)]
pub struct PerAddress {
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// One stream's place; gives it back when dropped.
#[derive(Debug)]
pub struct Place {
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
    address: IpAddr,
}

impl PerAddress {
    /// A place for one more stream from `address`, or `None` when it has `max` of them.
    pub fn take(&self, address: IpAddr, max: u32) -> Option<Place> {
        let address = address.to_canonical();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place { open: self.open.clone(), address })
    }

    /// How many streams are open.
    pub fn total(&self) -> u32 {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let places = PerAddress::default();
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        let there: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
        let first = places.take(here, 2).unwrap();
        let _second = places.take(there, 2).unwrap();
        assert!(places.take(here, 2).is_none());
        drop(first);
        assert!(places.take(here, 2).is_some());
        assert_eq!(places.total(), 1);
    }
}
