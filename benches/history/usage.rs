//! What was used so far, as the system counts it: the processor's time, and memory.

/// Nanoseconds that this thread has run.
pub fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

pub fn memory(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines()
        .find_map(|l| l.strip_prefix(field)?.trim_start_matches(':').trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

/// CPU seconds of one run, the mean of many: the machine may be busy with other things, and the card's share is not measured
/// here anyway.
pub fn mean(mut run: impl FnMut() -> usize) -> (f64, usize) {
    const RUNS: usize = 50;
    let mut n = run();
    let start = cpu();
    for _ in 0..RUNS {
        n = run();
    }
    ((cpu() - start) as f64 / 1e9 / RUNS as f64, n)
}
