//! Named places where a test ends the process, as a power cut would.

/// Ends the process here when the environment asks for it; nothing at all in a release build.
///
/// `SYNCGATE_CRASH_AT=intent-committed` stops at the first passage, `intent-committed:3` at the
/// third. `SYNCGATE_PANIC_AT` panics there instead, as a bug would.
macro_rules! crash_point {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::app::crash::reached($name);
    };
}
pub(crate) use crash_point;

#[cfg(debug_assertions)]
pub(crate) fn reached(name: &str) {
    use std::sync::LazyLock;

    static ABORT: LazyLock<Option<Place>> = LazyLock::new(|| Place::of("SYNCGATE_CRASH_AT"));
    static PANIC: LazyLock<Option<Place>> = LazyLock::new(|| Place::of("SYNCGATE_PANIC_AT"));

    if ABORT.as_ref().is_some_and(|place| place.is_reached(name)) {
        // No destructor, no flush, no drain: what is not durable is gone.
        std::process::abort();
    }
    let panics = PANIC.as_ref().is_some_and(|place| place.is_reached(name));
    assert!(!panics, "a bug at {name}, made on purpose");
}

/// A named place and at which passage something happens there.
#[cfg(debug_assertions)]
struct Place {
    name: String,
    nth: u32,
    passed: std::sync::atomic::AtomicU32,
}

#[cfg(debug_assertions)]
impl Place {
    fn of(variable: &str) -> Option<Self> {
        let wanted = std::env::var(variable).ok()?;
        let (name, nth) = match wanted.split_once(':') {
            Some((name, nth)) => (name.to_owned(), nth.parse().unwrap_or(1)),
            None => (wanted, 1),
        };
        let passed = std::sync::atomic::AtomicU32::new(0);
        Some(Self { name, nth, passed })
    }

    fn is_reached(&self, name: &str) -> bool {
        use std::sync::atomic::Ordering::SeqCst;
        self.name == name && self.passed.fetch_add(1, SeqCst) + 1 == self.nth
    }
}
