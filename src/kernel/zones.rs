//! Zones: when a value raises a notification.
