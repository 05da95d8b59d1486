//! The way from the senders to the writer: a queue with a limit, which takes only as much memory as it
//! holds.
//!
//! The writer takes all that there is at once and comes again a little later, so a lock costs less than
//! a ring that has room for the worst case and walks through all of it.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Between two looks whether there is room.
const LOOK: Duration = Duration::from_millis(1);

/// Where entries go in. A clone is another one.
#[derive(Debug)]
pub(crate) struct Inlet<T>(Arc<Shared<T>>);

/// Where entries come out.
#[derive(Debug)]
pub(crate) struct Outlet<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    entries: Mutex<Vec<T>>,
    limit: usize,
    inlets: AtomicUsize,
    has_outlet: AtomicBool,
}

/// Why an entry was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    /// Nobody takes anything out any more.
    Closed,
}

/// A queue that holds so many entries at most.
pub(crate) fn queue<T>(limit: usize) -> (Inlet<T>, Outlet<T>) {
    let shared = Arc::new(Shared {
        entries: Mutex::default(),
        limit,
        inlets: AtomicUsize::new(1),
        has_outlet: AtomicBool::new(true),
    });
    (Inlet(Arc::clone(&shared)), Outlet(shared))
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Inlet<T> {
    /// Puts an entry in, if there is room.
    pub(crate) fn offer(&self, entry: T) -> Result<(), (Refusal, T)> {
        if !self.0.has_outlet.load(SeqCst) {
            return Err((Refusal::Closed, entry));
        }
        let mut entries = self.0.lock();
        if entries.len() >= self.0.limit {
            return Err((Refusal::Full, entry));
        }
        entries.push(entry);
        Ok(())
    }

    /// Puts an entry in, as soon as there is room.
    pub(crate) fn put(&self, mut entry: T) -> Result<(), Refusal> {
        loop {
            match self.offer(entry) {
                Ok(()) => return Ok(()),
                Err((Refusal::Full, again)) => entry = again,
                Err((Refusal::Closed, _)) => return Err(Refusal::Closed),
            }
            thread::sleep(LOOK);
        }
    }
}

impl<T> Clone for Inlet<T> {
    fn clone(&self) -> Self {
        self.0.inlets.fetch_add(1, SeqCst);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Inlet<T> {
    fn drop(&mut self) {
        self.0.inlets.fetch_sub(1, SeqCst);
    }
}

impl<T> Outlet<T> {
    /// Takes all that there is, and leaves the room of `taken`, which is empty. False means that there is
    /// nothing, and never will be.
    pub(crate) fn take(&self, taken: &mut Vec<T>) -> bool {
        // In this order: what the last inlet has put in before it closed is found.
        let may_come = self.0.inlets.load(SeqCst) > 0;
        mem::swap(&mut *self.0.lock(), taken);
        may_come || !taken.is_empty()
    }

    /// All that there is.
    #[cfg(test)]
    pub(crate) fn all(&self) -> Vec<T> {
        let mut all = Vec::new();
        self.take(&mut all);
        all
    }
}

impl<T> Drop for Outlet<T> {
    fn drop(&mut self) {
        self.0.has_outlet.store(false, SeqCst);
        self.0.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_in_the_order_in_which_they_went_in() {
        let (inlet, outlet) = queue(3);
        let mut taken = Vec::new();
        assert!(outlet.take(&mut taken) && taken.is_empty(), "more may come");
        for entry in 1..=3 {
            inlet.offer(entry).unwrap();
        }
        assert_eq!(inlet.offer(4), Err((Refusal::Full, 4)));
        assert!(outlet.take(&mut taken));
        assert_eq!(taken, [1, 2, 3]);
        taken.clear();
        let other = inlet.clone();
        drop(inlet);
        other.put(5).unwrap();
        drop(other);
        assert!(outlet.take(&mut taken), "what was put in before the end");
        assert_eq!(taken, [5]);
        taken.clear();
        assert!(!outlet.take(&mut taken));
    }

    #[test]
    fn who_has_time_waits_for_room_and_nobody_waits_for_who_has_left() {
        let (inlet, outlet) = queue(1);
        let writer = thread::spawn(move || {
            let (mut taken, mut count) = (Vec::new(), 0);
            while outlet.take(&mut taken) {
                count += taken.drain(..).count();
            }
            count
        });
        for entry in 0..50 {
            inlet.put(entry).unwrap();
        }
        drop(inlet);
        assert_eq!(writer.join().unwrap(), 50);
        let (inlet, outlet) = queue(1);
        inlet.offer(1).unwrap();
        drop(outlet);
        assert_eq!(
            (inlet.put(2), inlet.offer(3)),
            (Err(Refusal::Closed), Err((Refusal::Closed, 3)))
        );
    }
}
