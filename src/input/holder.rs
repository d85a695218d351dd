//! Which program has a device open: the answer to "in use", which otherwise costs the user an evening.

use std::fs;
use std::path::Path;

/// Processes looked at, at the most.
const PROCESSES_MAX: usize = 4096;

/// The program that has `device` open, such as `gpsd (process 612)`. `None` when there is none, or when it belongs to
/// another user and the system does not say.
pub(crate) fn of(device: &Path) -> Option<String> {
    let device = fs::canonicalize(device).ok()?;
    let processes = fs::read_dir("/proc").ok()?.flatten().take(PROCESSES_MAX);
    for process in processes {
        let name = process.file_name();
        let Some(pid) = name.to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let Ok(open_files) = fs::read_dir(process.path().join("fd")) else { continue };
        if open_files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target == device)) {
            return Some(describe(pid));
        }
    }
    None
}

fn describe(pid: u32) -> String {
    if pid == std::process::id() {
        return "another input of this server".to_owned();
    }
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    format!("{} (process {pid})", name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_an_open_file_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(of(file.path()).unwrap(), "another input of this server");
        let path = file.into_temp_path();
        assert_eq!(of(&path), None, "closed again");
    }
}
