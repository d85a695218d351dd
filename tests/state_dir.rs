//! The state directory through kills, full disks, power cuts, bad files and a second server.
// clippy knows only the functions marked #[test] as tests.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use taffrail::state_dir::{BAD_FILES_MAX, Disk, Lock, StateDir, StateError, vessel_identity};

/// What happens at the step where it happens.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Blow {
    /// This step fails and changes nothing; the next ones work.
    Error,
    /// This step fails half done, as does every later one that needs room.
    Full,
    /// The process is gone after half of this step; the machine runs on.
    Kill,
    /// As a kill, and whatever was not synced may be lost.
    PowerCut,
}

/// A disk in memory that knows what would survive a power cut.
#[derive(Debug, Default, Clone)]
struct Sim {
    /// Content by inode: what a reader sees, and what is surely on the disk.
    inodes: Vec<(Vec<u8>, Vec<u8>)>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since the directory was synced. After a power cut any of them may be there or not.
    journal: Vec<Change>,
    has_no_links: bool,
    steps: usize,
    blow: Option<(usize, Blow)>,
    gone: bool,
    full: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Set(String, usize),
    Remove(String),
    Rename(String, String, usize),
}

impl Sim {
    /// Counts a step and says how it ends.
    fn step(&mut self) -> io::Result<Option<Blow>> {
        let n = self.steps;
        self.steps += 1;
        if self.gone {
            return Err(io::Error::other("the process is gone"));
        }
        match self.blow {
            Some((at, Blow::Error)) if at == n => Err(io::Error::other("I/O error")),
            Some((at, blow)) if at == n => Ok(Some(blow)),
            _ => Ok(None),
        }
    }

    fn change(&mut self, change: Change) {
        apply(&change, &mut self.names);
        self.journal.push(change);
    }

    /// A change of names is there whole or not at all; a kill comes after it, which is the more dangerous side.
    fn named(&mut self, blow: Option<Blow>, change: Change) -> io::Result<()> {
        if blow == Some(Blow::Full) || (self.full && matches!(change, Change::Set(..))) {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.change(change);
        self.end(blow)
    }

    fn end(&mut self, blow: Option<Blow>) -> io::Result<()> {
        if matches!(blow, Some(Blow::Kill | Blow::PowerCut)) {
            self.gone = true;
            return Err(io::Error::other("killed"));
        }
        Ok(())
    }

    /// Every state in which the disk can be found at the next start.
    fn after(&self) -> Vec<Sim> {
        let restarted = |names: BTreeMap<String, usize>, inodes: Vec<(Vec<u8>, Vec<u8>)>| Sim {
            durable_names: names.clone(),
            names,
            inodes,
            has_no_links: self.has_no_links,
            ..Sim::default()
        };
        if !matches!(self.blow, Some((_, Blow::PowerCut))) {
            let mut same = restarted(self.names.clone(), self.inodes.clone());
            same.durable_names.clone_from(&self.durable_names);
            same.journal.clone_from(&self.journal);
            return vec![same];
        }
        let mut all = Vec::new();
        for kept in 0..1_u32 << self.journal.len() {
            let mut names = self.durable_names.clone();
            let changes = self.journal.iter().enumerate().filter(|(i, _)| kept >> i & 1 == 1);
            changes.for_each(|(_, change)| apply(change, &mut names));
            let lost = self.inodes.iter().map(|(_, durable)| (durable.clone(), durable.clone())).collect();
            all.push(restarted(names.clone(), lost));
            // Content that was not synced may also have made it, in part.
            all.push(restarted(names, self.inodes.iter().map(|(seen, _)| (seen.clone(), seen.clone())).collect()));
        }
        all
    }
}

fn apply(change: &Change, names: &mut BTreeMap<String, usize>) {
    match change {
        Change::Set(name, inode) => drop(names.insert(name.clone(), *inode)),
        Change::Remove(name) => drop(names.remove(name)),
        // Between two names of the same file rename does nothing. It moves a file, not whatever has the name after a cut.
        Change::Rename(from, to, inode) => {
            if names.get(to) != Some(inode) {
                names.insert(to.clone(), *inode);
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
struct SimDisk(Arc<Mutex<Sim>>);

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Disk for SimDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, path: &Path, _: usize) -> io::Result<Vec<u8>> {
        let sim = self.0.lock().unwrap();
        sim.names.get(&name(path)).map(|inode| sim.inodes[*inode].0.clone()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let sim = &mut *self.0.lock().unwrap();
        let blow = sim.step()?;
        let inode = sim.names.get(&name(path)).copied().unwrap_or_else(|| {
            sim.inodes.push(Default::default());
            sim.change(Change::Set(name(path), sim.inodes.len() - 1));
            sim.inodes.len() - 1
        });
        if blow.is_some() || sim.full {
            sim.inodes[inode] = (bytes[..bytes.len() / 2].to_vec(), Vec::new());
            sim.full |= blow == Some(Blow::Full);
            sim.end(blow)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        sim.inodes[inode] = (bytes.to_vec(), bytes.to_vec());
        Ok(())
    }

    fn link(&self, file: &Path, to: &Path) -> io::Result<()> {
        let sim = &mut *self.0.lock().unwrap();
        let blow = sim.step()?;
        let inode = *sim.names.get(&name(file)).ok_or(io::ErrorKind::NotFound)?;
        if sim.has_no_links {
            return Err(io::ErrorKind::Unsupported.into());
        }
        if sim.names.contains_key(&name(to)) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        sim.named(blow, Change::Set(name(to), inode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let sim = &mut *self.0.lock().unwrap();
        let blow = sim.step()?;
        let inode = *sim.names.get(&name(from)).ok_or(io::ErrorKind::NotFound)?;
        sim.named(blow, Change::Rename(name(from), name(to), inode))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let sim = &mut *self.0.lock().unwrap();
        let blow = sim.step()?;
        sim.names.get(&name(path)).ok_or(io::ErrorKind::NotFound)?;
        sim.named(blow, Change::Remove(name(path)))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().names.keys().cloned().collect())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let sim = &mut *self.0.lock().unwrap();
        let blow = sim.step()?;
        if blow == Some(Blow::Full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        sim.end(blow)?;
        sim.journal.clear();
        sim.durable_names = sim.names.clone();
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Lock> {
        Ok(Lock::Held(None))
    }
}

fn open(sim: Sim) -> (SimDisk, StateDir) {
    let disk = SimDisk(Arc::new(Mutex::new(sim)));
    let state = StateDir::open_on(Box::new(disk.clone()), "/state").unwrap();
    (disk, state)
}

/// Good content is a word and its length: half of it is bad.
fn content(word: &str) -> Vec<u8> {
    format!("{word} {}", word.len()).into_bytes()
}

fn parse(bytes: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not text")?;
    let (word, length) = text.split_once(' ').ok_or("no length")?;
    if length == word.len().to_string() { Ok(word.to_owned()) } else { Err("wrong length") }
}

/// Writes `word` with a blow at step `at`. Returns whether the blow fell, and the states of the disk at the next start, each
/// with what may be read there.
fn struck(sim: &Sim, word: &str, at: usize, blow: Blow) -> (bool, Vec<Sim>) {
    let (disk, state) = open(sim.clone());
    let before = state.read("file", parse).0;
    {
        let mut sim = disk.0.lock().unwrap();
        (sim.steps, sim.blow) = (0, Some((at, blow)));
    }
    let written = state.write("file", &content(word)).is_ok();
    let end = disk.0.lock().unwrap().clone();
    let fell = end.steps > at;
    let states = end.after();
    for state in &states {
        let (_, reopened) = open(state.clone());
        let found = reopened.read("file", parse).0;
        let is_new = found.as_deref() == Some(word);
        assert!(is_new || (!written && found == before), "{blow:?} at step {at} of {word}: {found:?}\n{state:#?}");
        // And the directory is still good for use.
        reopened.write("file", &content("afterwards")).unwrap();
        assert_eq!(reopened.read("file", parse), (Some("afterwards".to_owned()), vec![]), "{blow:?} at {at} of {word}");
    }
    (fell, states)
}

#[test]
fn whatever_happens_in_a_write_the_old_or_the_new_content_is_there() {
    let mut blows = 0;
    for has_no_links in [false, true] {
        for first in [Blow::Error, Blow::Full, Blow::Kill, Blow::PowerCut] {
            for words in [&[][..], &["one"], &["zero", "one"]] {
                let (disk, state) = open(Sim { has_no_links, ..Sim::default() });
                for word in words {
                    state.write("file", &content(word)).unwrap();
                }
                let start = disk.0.lock().unwrap().clone();
                for at in 0..100 {
                    let (fell, states) = struck(&start, "two", at, first);
                    if !fell {
                        break;
                    }
                    // A second blow in the write after the first one.
                    for (state, second) in states.iter().flat_map(|s| [(s, Blow::Kill), (s, Blow::PowerCut)]) {
                        blows += (0..100).take_while(|at| struck(state, "three", *at, second).0).count();
                    }
                }
            }
        }
    }
    assert!(blows > 1_000, "only {blows} blows: the simulation does not reach the steps");
}

#[test]
fn a_failed_write_says_what_failed_and_leaves_no_half_file() {
    let (disk, state) = open(Sim { full: true, ..Sim::default() });
    let error = state.write("seq_limit", b"16777216").unwrap_err().to_string();
    assert!(error.starts_with("state file /state/seq_limit: write the new content: "), "{error}");
    assert_eq!(disk.list(Path::new("/state")).unwrap(), Vec::<String>::new());
}

#[test]
fn a_bad_file_is_set_aside_and_its_copy_used() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let bad = || {
        let names = std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(".bad-")).count()
    };
    let state = StateDir::open(directory.path()).unwrap();
    assert_eq!(state.read("file", parse), (None, vec![]), "nothing there is nothing to say");
    state.write("file", &content("one")).unwrap();
    state.write("file", &content("two")).unwrap();

    std::fs::write(file("file"), b"two").unwrap();
    let (value, notices) = state.read("file", parse);
    assert_eq!(value.as_deref(), Some("one"));
    let text = notices.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(text[0].starts_with("state file file: bad (no length); set aside as file.bad-"), "{text:?}");
    assert_eq!(text[1], "state file file: the content before the last change is used, from file.bak");
    assert_eq!((bad(), text.len()), (1, 2));

    state.write("file", &content("three")).unwrap();
    std::fs::write(file("file"), b"\xff").unwrap();
    std::fs::write(file("file.bak"), b"").unwrap();
    let (value, notices) = state.read("file", parse);
    assert_eq!((value, notices.len(), bad()), (None, 3, 3));

    for _ in 0..BAD_FILES_MAX + 3 {
        std::fs::write(file("file"), b"bad again").unwrap();
        assert_eq!(state.read("file", parse).0, None);
    }
    assert_eq!(bad(), BAD_FILES_MAX);
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = StateDir::open(directory.path()).unwrap();
    let second = StateDir::open(directory.path()).unwrap_err();
    assert!(matches!(second, StateError::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{second:?}");
    let expected = format!("in use by process {}; two servers cannot share one", std::process::id());
    assert!(second.to_string().ends_with(&expected), "{second}");
    drop(first);
    StateDir::open(directory.path()).unwrap();
}

#[test]
fn the_directory_is_made_for_its_owner_alone() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("a/b");
    let state = StateDir::open(&path).unwrap();
    state.write("file", b"x").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("file"))), (0o700, 0o600));

    let file = above.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = StateDir::open(file.join("below")).unwrap_err().to_string();
    assert!(error.contains("cannot be made"), "{error}");
}

#[test]
fn a_boat_without_identity_gets_one_and_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let identity = || vessel_identity(&StateDir::open(directory.path()).unwrap());
    let (first, notices) = identity();
    assert!(taffrail::config::reading::is_uuid_urn(&first), "{first}");
    assert!(notices.is_empty());
    assert_eq!(identity(), (first.clone(), vec![]));

    let elsewhere = tempfile::tempdir().unwrap();
    assert_ne!(vessel_identity(&StateDir::open(elsewhere.path()).unwrap()).0, first);

    // The file goes bad, twice: the copy has it, and is renewed.
    for _ in 0..2 {
        std::fs::write(directory.path().join("identity"), "urn:mrn:signalk:uuid:0").unwrap();
        let (same, notices) = identity();
        assert_eq!((same, notices.len()), (first.clone(), 2), "{notices:?}");
        assert_eq!(identity(), (first.clone(), vec![]));
    }

    let (_, state) = open(Sim { full: true, ..Sim::default() });
    let (identity, notices) = vessel_identity(&state);
    assert!(taffrail::config::reading::is_uuid_urn(&identity));
    assert!(notices[0].to_string().contains("cannot be kept"), "{notices:?}");
}
