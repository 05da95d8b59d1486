//! Ctrl-C twice: the first asks for an orderly end, the second ends at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

type Callback = Box<dyn FnOnce() + Send>;

/// Knows whether somebody asked for the end.
#[derive(Clone)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    callbacks: Arc<Mutex<Vec<Callback>>>,
}

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interrupt").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Interrupt {
    /// Takes over SIGINT and SIGTERM for the rest of the process. On the second of them the process
    /// ends with code 130.
    pub fn install() -> std::io::Result<Self> {
        let this = Self {
            asked: Arc::new(AtomicBool::new(false)),
            callbacks: Arc::new(Mutex::new(Vec::new())),
        };
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let handler = this.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for _ in signals.forever() {
                if handler.asked() {
                    std::process::exit(130);
                }
                handler.ask();
            }
        })?;
        Ok(this)
    }

    /// Whether the first signal has come.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Asks for the end as the first signal does.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        let callbacks = std::mem::take(&mut *self.lock());
        for callback in callbacks {
            callback();
        }
    }

    /// Runs `callback` on the first signal; at once if that has come already.
    pub fn on_first(&self, callback: impl FnOnce() + Send + 'static) {
        let mut callbacks = self.lock();
        if self.asked.load(Ordering::SeqCst) {
            drop(callbacks);
            callback();
        } else {
            callbacks.push(Box::new(callback));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Callback>> {
        self.callbacks.lock().expect("no callback panics while it registers")
    }
}
