//! `/signalk/v1/applicationData/…`: settings that apps keep on the boat, so that every screen aboard has the same (APP-01
//! to APP-04).
//!
//! One document for each app and version of its settings, in a state file of its own, which a write replaces as a whole.
//! Everybody aboard reads; who may write deltas may write here. Data of a single user needs a login, and there are none:
//! reading finds nothing and writing is refused, as on a server whose security is off.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value as Json};

use super::{Shared, headers, json_patch, rest, stream};
use crate::kernel::json;
use crate::state_dir::{StateDir, StateError};

/// Bytes of one document, and of what an app sends at once.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Documents (apps, times the versions of their settings) at the most.
pub const DOCUMENTS_MAX: usize = 128;
/// Bytes of all documents together: they are held in memory.
pub const TOTAL_BYTES_MAX: usize = 8 << 20;
/// Characters of an app's name (APP-02).
const NAME_CHARS_MAX: usize = 29;
/// Bytes of an app's name: three times as many have room in a file name of 255.
const NAME_BYTES_MAX: usize = 58;
/// Segments of a path into a document.
const SEGMENTS_MAX: usize = 40;
/// What the names of the files begin with.
const FILE_PREFIX: &str = "app-data-";
/// Names that mean more than a name to JavaScript; an app that read them back could be led astray by another.
const POLLUTING: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// A version of an app's settings: `1`, `1.0` and `v1.0.0` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u32; 3]);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let mut parts = [0; 3];
        let mut found = digits[..end].split('.');
        for (n, part) in parts.iter_mut().enumerate() {
            match found.next() {
                Some(text) if !text.is_empty() => *part = text.parse().ok()?,
                _ if n == 0 => return None,
                _ => break,
            }
        }
        Some(Self(parts))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Which document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    app: String,
    version: Version,
}

impl Key {
    /// The file of the document. Bytes of the name that are no letter, digit or underscore are written in hexadecimal.
    fn file(&self) -> String {
        let mut name = FILE_PREFIX.to_owned();
        for b in self.app.bytes() {
            if b.is_ascii_alphanumeric() || b == b'_' {
                name.push(char::from(b));
            } else {
                let _ = write!(name, "%{b:02x}");
            }
        }
        name + &format!("-{}.json", self.version)
    }

    fn of_file(name: &str) -> Option<Self> {
        let name = name.strip_suffix(".bak").unwrap_or(name);
        let (app, version) = name.strip_prefix(FILE_PREFIX)?.strip_suffix(".json")?.rsplit_once('-')?;
        let key = Self { app: rest::decoded_segments(app)?.pop()?, version: Version::parse(version)? };
        (key.file() == name).then_some(key)
    }
}

/// All documents, in memory and in the state directory.
#[derive(Debug)]
pub struct AppData {
    kept: Arc<Kept>,
    /// One write at a time: the next one begins with what this one made (APP-04).
    writing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Kept {
    /// `None` where nothing is to outlive the process.
    state: Option<Arc<StateDir>>,
    /// Each in compact JSON, an object.
    documents: RwLock<BTreeMap<Key, Arc<str>>>,
}

/// What a write does.
enum Change {
    Replace(Json),
    Set { segments: Vec<String>, value: Json },
    Patch(Json),
}

/// Why a write was not done.
enum Refused {
    Bad(String),
    TooLarge,
    Full(&'static str),
    Disk(StateError),
}

impl AppData {
    /// What the state directory holds. A file that cannot be read is said in the log and left out.
    pub fn open(state: Arc<StateDir>) -> Self {
        let mut documents = BTreeMap::new();
        let names = state.names(FILE_PREFIX).unwrap_or_else(|error| {
            tracing::warn!(%error, "settings of apps cannot be listed");
            Vec::new()
        });
        for key in names.iter().filter_map(|name| Key::of_file(name)) {
            if documents.len() >= DOCUMENTS_MAX || documents.contains_key(&key) {
                continue;
            }
            let parse = |bytes: &[u8]| match serde_json::from_slice::<Map<String, Json>>(bytes) {
                Ok(_) => Ok(String::from_utf8_lossy(bytes).into()),
                Err(error) => Err(error),
            };
            if let (Some(text), _) = state.read(&key.file(), parse) {
                documents.insert(key, text);
            }
        }
        Self::of(Some(state), documents)
    }

    /// No documents, and those that come are kept in memory only.
    pub fn in_memory() -> Self {
        Self::of(None, BTreeMap::new())
    }

    fn of(state: Option<Arc<StateDir>>, documents: BTreeMap<Key, Arc<str>>) -> Self {
        Self { kept: Arc::new(Kept { state, documents: RwLock::new(documents) }), writing: Arc::default() }
    }

    fn document(&self, key: &Key) -> Option<Arc<str>> {
        self.kept.documents.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn versions(&self, app: &str) -> Vec<String> {
        let documents = self.kept.documents.read().unwrap_or_else(PoisonError::into_inner);
        documents.keys().filter(|key| key.app == app).map(|key| key.version.to_string()).collect()
    }

    async fn change(&self, key: Key, change: Change) -> Result<(), Refused> {
        let turn = self.writing.clone().lock_owned().await;
        let kept = self.kept.clone();
        let write = move || {
            let _turn = turn;
            kept.change(key, change)
        };
        // The write goes on when the app hangs up, so that memory and disk always agree.
        tokio::task::spawn_blocking(write).await.unwrap_or_else(|_| Err(Refused::Bad("not possible".to_owned())))
    }
}

impl Kept {
    fn change(&self, key: Key, change: Change) -> Result<(), Refused> {
        let (others, others_bytes, before) = {
            let documents = self.documents.read().unwrap_or_else(PoisonError::into_inner);
            let others = documents.iter().filter(|(other, _)| **other != key);
            let (count, bytes) = others.fold((0, 0), |(count, bytes), (_, text)| (count + 1, bytes + text.len()));
            (count, bytes, documents.get(&key).cloned())
        };
        if others >= DOCUMENTS_MAX {
            return Err(Refused::Full("the server keeps as many settings as it may"));
        }
        let mut document = match &before {
            Some(text) => serde_json::from_str(text).map_err(|e| Refused::Bad(e.to_string()))?,
            None => Json::Object(Map::new()),
        };
        match change {
            Change::Replace(value) => document = value,
            Change::Set { segments, value } => set(&mut document, &segments, value).map_err(Refused::Bad)?,
            Change::Patch(patch) => {
                json_patch::apply(&mut document, patch, DOCUMENT_BYTES_MAX).map_err(Refused::Bad)?;
            }
        }
        if !document.is_object() {
            return Err(Refused::Bad("what is kept for an app is a JSON object".to_owned()));
        }
        if let Some(name) = polluting(&document) {
            return Err(Refused::Bad(format!("a member cannot be called {name}")));
        }
        let text = document.to_string();
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(Refused::TooLarge);
        }
        if !json::depth_is_bounded(&text) {
            return Err(Refused::Bad(format!("the result nests deeper than {} levels", json::DEPTH_MAX)));
        }
        if others_bytes + text.len() > TOTAL_BYTES_MAX {
            return Err(Refused::Full("the settings of all apps together are as large as they may be"));
        }
        if let Some(state) = &self.state {
            state.write(&key.file(), text.as_bytes()).map_err(Refused::Disk)?;
        }
        self.documents.write().unwrap_or_else(PoisonError::into_inner).insert(key, text.into());
        Ok(())
    }
}

/// Puts `value` where `segments` lead, and makes the objects on the way that are not there.
fn set(document: &mut Json, segments: &[String], value: Json) -> Result<(), String> {
    let mut at = document;
    for segment in segments {
        at = match at {
            Json::Object(object) => object.entry(segment.as_str()).or_insert_with(|| Json::Object(Map::new())),
            Json::Array(array) => {
                let index = segment.parse().ok().and_then(|index: usize| array.get_mut(index));
                index.ok_or_else(|| format!("{segment} is outside of its array"))?
            }
            _ => return Err(format!("there is nothing below the value above {segment}")),
        };
    }
    *at = value;
    Ok(())
}

/// What `segments` lead to.
fn at<'a>(document: &'a Json, segments: &[String]) -> Option<&'a Json> {
    segments.iter().try_fold(document, |at, segment| match at {
        Json::Object(object) => object.get(segment),
        Json::Array(array) => array.get(segment.parse::<usize>().ok()?),
        _ => None,
    })
}

/// A name of a member that is not to be kept. The depth was bounded when the text was read.
fn polluting(value: &Json) -> Option<&str> {
    match value {
        Json::Object(object) => {
            let own = object.keys().map(String::as_str).find(|name| *name == POLLUTING[0]);
            own.or_else(|| object.values().find_map(polluting))
        }
        Json::Array(array) => array.iter().find_map(polluting),
        _ => None,
    }
}

/// Answers for everything below `/signalk/v1/applicationData`.
pub async fn app_data(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let path = request.uri().path().trim_start_matches("/signalk/v1/applicationData");
    let Some(segments) = rest::decoded_segments(path) else {
        return headers::error(StatusCode::BAD_REQUEST, "the path is not valid UTF-8 in percent encoding");
    };
    let (scope, app, rest) = match &*segments {
        [scope, app, rest @ ..] if matches!(&**scope, "global" | "user") => (&**scope, app.clone(), rest.to_vec()),
        _ => return headers::not_found(request.uri().clone()).await,
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && *request.method() != Method::POST {
        return headers::error(StatusCode::METHOD_NOT_ALLOWED, "only GET and POST are supported here");
    }
    if app.chars().count() > NAME_CHARS_MAX
        || app.len() > NAME_BYTES_MAX
        || app.contains(['/', '\\'])
        || app.chars().any(char::is_control)
    {
        let words = format!("the name of an app has no slash and at most {NAME_CHARS_MAX} characters");
        return headers::error(StatusCode::BAD_REQUEST, &words);
    }
    if rest.len() > SEGMENTS_MAX || segments.iter().any(|segment| POLLUTING.contains(&&**segment)) {
        return headers::error(StatusCode::BAD_REQUEST, "such a path cannot be kept");
    }
    if scope == "user" && !reads {
        let words = "there are no logins on this server, so it keeps nothing for a single user; use global";
        return headers::error(StatusCode::METHOD_NOT_ALLOWED, words);
    }
    if scope == "user" {
        return headers::not_found(request.uri().clone()).await;
    }
    let Some((version, inside)) = rest.split_first() else {
        return if reads { versions(&shared, &app) } else { bad_version() };
    };
    let Some(version) = Version::parse(version) else { return bad_version() };
    let key = Key { app, version };
    let mut response = if reads {
        read(&shared, &key, inside, wants_keys(&request))
    } else {
        write(&shared, key, inside.to_vec(), request).await
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn bad_version() -> Response {
    headers::error(StatusCode::BAD_REQUEST, "a version is a number such as 1.0.0")
}

fn wants_keys(request: &Request<Body>) -> bool {
    let pairs: Vec<(String, String)> = Query::try_from_uri(request.uri()).map(|Query(pairs)| pairs).unwrap_or_default();
    pairs.iter().any(|(name, value)| name == "keys" && value == "true")
}

fn versions(shared: &Shared, app: &str) -> Response {
    let versions = shared.app_data.versions(app);
    if versions.is_empty() {
        return headers::error(StatusCode::NOT_FOUND, &format!("nothing is kept for {app}"));
    }
    headers::json_body(Json::from(versions).to_string())
}

fn read(shared: &Shared, key: &Key, inside: &[String], keys: bool) -> Response {
    let text = shared.app_data.document(key);
    if inside.is_empty() && !keys {
        // Nothing kept yet is an empty object (APP-01).
        return headers::json_body(text.as_deref().unwrap_or("{}").to_owned());
    }
    let document: Json = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(|| Map::new().into());
    let body = match at(&document, inside) {
        Some(Json::Object(object)) if keys => object.keys().cloned().collect(),
        Some(Json::Array(array)) if keys => (0..array.len()).map(|n| n.to_string()).collect(),
        Some(_) if keys => Json::Array(Vec::new()),
        Some(value) => value.clone(),
        None => return headers::error(StatusCode::NOT_FOUND, &format!("nothing is kept at {}", inside.join("/"))),
    };
    headers::json_body(body.to_string())
}

async fn write(shared: &Shared, key: Key, segments: Vec<String>, request: Request<Body>) -> Response {
    if !stream::is_own_page(request.headers()) {
        return headers::error(StatusCode::FORBIDDEN, "a page from another origin may not write");
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    if !peer.is_some_and(|peer| shared.may_write(peer)) {
        let words = "writing is off for this address; set [server] allow_write in the configuration";
        return headers::error(StatusCode::FORBIDDEN, words);
    }
    let refused = match axum::body::to_bytes(request.into_body(), DOCUMENT_BYTES_MAX).await {
        Err(_) => Err(Refused::TooLarge),
        Ok(body) => match change_of(&body, segments) {
            Err(why) => Err(Refused::Bad(why)),
            Ok(change) => shared.app_data.change(key, change).await,
        },
    };
    match refused {
        Ok(()) => headers::json_body("\"ApplicationData saved\"".to_owned()),
        Err(Refused::Bad(why)) => headers::error(StatusCode::BAD_REQUEST, &why),
        Err(Refused::TooLarge) => {
            let words = format!("settings may have {DOCUMENT_BYTES_MAX} bytes");
            headers::error(StatusCode::PAYLOAD_TOO_LARGE, &words)
        }
        Err(Refused::Full(why)) => headers::error(StatusCode::INSUFFICIENT_STORAGE, why),
        Err(Refused::Disk(error)) => {
            tracing::warn!(%error, "settings of an app cannot be kept");
            headers::error(StatusCode::INTERNAL_SERVER_ERROR, "the settings cannot be written to the disk")
        }
    }
}

/// With a path, the body is the value there; without, an array is a JSON Patch and an object is everything.
fn change_of(body: &Bytes, segments: Vec<String>) -> Result<Change, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    if !json::depth_is_bounded(text) {
        return Err(format!("the body nests deeper than {} levels", json::DEPTH_MAX));
    }
    let value: Json = serde_json::from_str(text).map_err(|error| format!("the body is not JSON: {error}"))?;
    Ok(match value {
        value if !segments.is_empty() => Change::Set { segments, value },
        Json::Array(_) => Change::Patch(value),
        value => Change::Replace(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_completed_to_three_numbers() {
        let table =
            [("1", "1.0.0"), ("1.0", "1.0.0"), ("v2.3", "2.3.0"), ("11.0.4-beta.2", "11.0.4"), ("1.2.3.4", "1.2.3")];
        for (text, expected) in table {
            assert_eq!(Version::parse(text).map(|v| v.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "x", "v", ".1", "latest", "99999999999"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_survives_its_file_name() {
        for app in ["kip", "a-b.c", "@signalk/x".replace('/', "_").as_str(), "Ölzeug", "..", "%41"] {
            let key = Key { app: app.to_owned(), version: Version([1, 0, 0]) };
            let file = key.file();
            assert!(file.bytes().all(|b| b.is_ascii_graphic() && b != b'/'), "{file}");
            assert!(file.len() <= 200, "{file}");
            assert_eq!(Key::of_file(&file), Some(key.clone()));
            assert_eq!(Key::of_file(&format!("{file}.bak")), Some(key));
            assert_eq!(Key::of_file(&format!("{file}.tmp")), None);
        }
        assert_eq!(Key::of_file("app-data-kip-1.json"), None, "not a name that is ever written");
    }

    #[test]
    fn a_value_is_set_where_the_path_leads() {
        let mut document = serde_json::json!({"list": [1, 2], "leaf": 1});
        let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        set(&mut document, &path("new/deep"), 1.into()).unwrap();
        set(&mut document, &path("list/1"), "x".into()).unwrap();
        assert_eq!(document, serde_json::json!({"list": [1, "x"], "leaf": 1, "new": {"deep": 1}}));
        assert!(set(&mut document, &path("list/2"), 1.into()).is_err());
        assert!(set(&mut document, &path("leaf/below"), 1.into()).is_err());
    }

    fn replace(data: &AppData, app: &str, value: Json) -> Result<(), Refused> {
        let key = Key { app: app.to_owned(), version: Version([1, 0, 0]) };
        data.kept.change(key, Change::Replace(value))
    }

    #[test]
    fn settings_are_bounded_in_number_and_in_all() {
        let state = tempfile::tempdir().unwrap();
        let data = AppData::open(Arc::new(StateDir::open(state.path()).unwrap()));
        let large = serde_json::json!({"a": "x".repeat(DOCUMENT_BYTES_MAX - 100)});
        for n in 0..TOTAL_BYTES_MAX / DOCUMENT_BYTES_MAX {
            assert!(replace(&data, &format!("large{n}"), large.clone()).is_ok(), "{n}");
        }
        assert!(matches!(replace(&data, "one-more", large.clone()), Err(Refused::Full(_))));
        assert!(replace(&data, "large0", large).is_ok(), "what is there may be replaced");
        assert!(replace(&data, "large0", serde_json::json!({})).is_ok());
        for n in TOTAL_BYTES_MAX / DOCUMENT_BYTES_MAX..DOCUMENTS_MAX {
            assert!(replace(&data, &format!("small{n}"), serde_json::json!({})).is_ok(), "{n}");
        }
        assert!(matches!(replace(&data, "small", serde_json::json!({})), Err(Refused::Full(_))));
        assert!(replace(&data, "small20", serde_json::json!({"a": 1})).is_ok());
    }

    #[test]
    fn a_spoilt_file_costs_its_own_settings_only() {
        let state = tempfile::tempdir().unwrap();
        let directory = Arc::new(StateDir::open(state.path()).unwrap());
        for (file, text) in [("app-data-good-1.0.0.json", "{\"a\":1}"), ("app-data-spoilt-1.0.0.json", "{\"a\":")] {
            directory.write(file, text.as_bytes()).unwrap();
        }
        let data = AppData::open(directory);
        assert_eq!((data.versions("good").len(), data.versions("spoilt").len()), (1, 0));
    }
}
