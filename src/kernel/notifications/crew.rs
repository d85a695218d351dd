//! What the crew does about a notification, and how that shows in its value: in `method`, which says how it calls attention
//! now, and in `status`, which says why (NTF-05, NTF-06 of the second version of the notifications interface).

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{Key, Notification, Notifications};
use crate::kernel::zones::{Methods, State};

/// What the crew can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Turn its sound off.
    Silence,
    /// Note that it has been seen.
    Acknowledge,
}

impl Key {
    /// A name for it that is the same after a restart: an UUID of its own making (version 8), from a hash of its three
    /// texts (FNV-1a, 128 bits).
    pub fn id(&self) -> Uuid {
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let texts = [&self.context, &self.path, &self.source];
        // A byte that is in no UTF-8 text ends each of them.
        let bytes = texts.into_iter().flat_map(|text| text.bytes().chain([0xff]));
        let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
        uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid()
    }
}

impl Notifications {
    /// The one with this [`Key::id`].
    pub fn find(&self, id: Uuid) -> Option<(&Key, &Notification)> {
        self.iter().find(|(key, _)| key.id() == id)
    }

    /// What the value of a notification is after an action of the crew, to be applied like any other value of its
    /// source. `Err` says in words why it cannot be.
    pub fn after(&self, key: &Key, action: Action) -> Result<String, &'static str> {
        let known = self.get(key).ok_or("it is not raised any more")?;
        let mut known = known.clone();
        match action {
            Action::Silence if known.state == State::Emergency => return Err("an emergency cannot be silenced"),
            Action::Silence => known.silenced = true,
            Action::Acknowledge => known.acknowledged = true,
        }
        Ok(known.shown(key, &known.value).to_string())
    }

    /// A new value of a notification that the crew has dealt with, as it is to be shown: as quiet as it was, while its
    /// state is the same. `None` where it stays as it is.
    pub(in crate::kernel) fn kept_quiet(&self, key: &Key, value: &str) -> Option<String> {
        let known = self.get(key).filter(|known| known.acknowledged || known.silenced)?;
        let (state, _) = super::read_value(value)?;
        let (acknowledged, silenced) = dealt_with(value);
        let now = Notification {
            acknowledged: known.acknowledged || acknowledged,
            silenced: known.silenced || silenced,
            ..known.clone()
        };
        (state == Some(known.state)).then(|| now.shown(key, value).to_string())
    }

    /// Whether the crew has dealt with any: then new values are to be looked at.
    pub(in crate::kernel) fn any_dealt_with(&self) -> bool {
        self.iter().any(|(_, n)| n.acknowledged || n.silenced)
    }
}

impl Notification {
    /// Its value with `id` and `status`, and `method` as it is now.
    pub fn shown(&self, key: &Key, value: &str) -> Json {
        let mut object: Map<String, Json> = serde_json::from_str(value).unwrap_or_default();
        let given = object.get("method").and_then(Methods::from_json).unwrap_or(self.state.default_methods());
        let methods = self.methods_of(given);
        let mut method = String::new();
        methods.write_json(&mut method);
        object.insert("method".to_owned(), serde_json::from_str(&method).unwrap_or_default());
        object.insert("id".to_owned(), json!(key.id().to_string()));
        let status = json!({
            "silenced": self.silenced,
            "acknowledged": self.acknowledged,
            "canSilence": self.state != State::Emergency && methods.sound,
            "canAcknowledge": !self.acknowledged,
            "canClear": false,
        });
        object.insert("status".to_owned(), status);
        Json::Object(object)
    }
}

/// What the crew has done about a notification, as its value says: acknowledged, silenced.
pub(super) fn dealt_with(value: &str) -> (bool, bool) {
    let value: Json = serde_json::from_str(value).unwrap_or_default();
    let flag = |name| value["status"][name].as_bool().unwrap_or(false);
    (flag("acknowledged"), flag("silenced"))
}
