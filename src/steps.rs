//! Counts what a decoder looks at, so that a test can hold that no sentence costs more than so many steps.
//!
//! A step is one byte or one entry of a list that was looked at. Loops whose length depends on what was sent, or on what
//! was kept of it, say how much they look at; a loop over a table in the program that is as long as it is does not. Counted
//! only in builds with debug assertions: in a release nothing of this is left.

#[cfg(debug_assertions)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Notes that `count` bytes or entries are looked at.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call that does nothing must not be one")]
pub(crate) fn took(count: usize) {
    #[cfg(debug_assertions)]
    STEPS.with(|steps| steps.set(steps.get() + count as u64));
    #[cfg(not(debug_assertions))]
    let _ = count;
}

/// Runs `work` and gives the steps that it took on this thread; `None` in a build that does not count.
pub fn counted(work: impl FnOnce()) -> Option<u64> {
    #[cfg(debug_assertions)]
    {
        let before = STEPS.with(std::cell::Cell::get);
        work();
        Some(STEPS.with(std::cell::Cell::get) - before)
    }
    #[cfg(not(debug_assertions))]
    {
        work();
        None
    }
}
