//! Waits for due times on the thread that sends: sleeps until shortly before, then spins.
//!
//! Whoever wakes another thread when an event is due pays twice, in lateness and in processor time.
//! So the sender waits itself, in the same `epoll` that its answers come through, and is woken by a
//! timer that is exact to the nanosecond; those of tokio are a millisecond coarse.
//!
//! A sleep still ends some 20 to 60 µs late. The alarm learns by how much here and now, is set that
//! much early, and the rest is spun away, with a look at the sockets in each turn. Spinning throughout
//! would take a core that the target may need: it may take a sixteenth of the time. At a low rate
//! that makes every event punctual, and at a high one, where spinning would never end, being a few
//! microseconds late is the smaller evil.
//!
//! Each sleep that ends wakes a core that had gone idle, which at high rates costs more than all else
//! that is done for an event. Whom punctuality is not worth that gives the alarm slack: it goes off so
//! much later, never spins, and everything that has become due meanwhile leaves together.

use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use rustix::time::{timerfd_create, timerfd_settime};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The part of all time that may be spent spinning: one in so many.
const SPIN_PART: u32 = 16;
/// What a quiet time may save up for spinning later.
const SAVINGS: Duration = Duration::from_micros(500);
/// The most that an alarm is set early.
const EARLIEST: Duration = Duration::from_micros(80);
/// How much is learned from a sleep that ended too late, and from one that did not. With these, 7
/// sleeps of 8 end in time.
const LATE: Duration = Duration::from_nanos(700);
const IN_TIME: Duration = Duration::from_nanos(100);

/// The longest way to the socket that is allowed for; what takes longer is somebody else's fault.
const LONGEST_LEAD: Duration = Duration::from_micros(20);

/// Wakes a task of a runtime when something is due.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: AsyncFd<OwnedFd>,
    /// What the timer is set to.
    set: Option<Instant>,
    /// By how much it is set early.
    early: Duration,
    earliest: Duration,
    spinning: Spinning,
    /// By how much it may go off late, so that it does so less often.
    slack: Duration,
}

/// How much earlier than it is due an event sets out, so that it is there when it is due: from the
/// schedule to the socket it passes through some tasks, which takes longest at low rates. Whoever
/// comes too early waits. Learned as the alarm learns.
#[derive(Debug, Default)]
pub(crate) struct Lead(Cell<Duration>);

impl Lead {
    pub(crate) fn get(&self) -> Duration {
        self.0.get()
    }

    /// Learns from an event that had set out before it was due.
    pub(crate) fn learn(&self, in_time: bool) {
        let lead = self.0.get();
        self.0.set(if in_time {
            lead.saturating_sub(IN_TIME / 4)
        } else {
            (lead + LATE / 4).min(LONGEST_LEAD)
        });
    }
}

/// When a task wants to be woken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wake {
    /// An event is due then.
    At(Instant),
    /// To look at something; a little later is as good.
    About(Instant),
}

impl Wake {
    pub(crate) fn time(self) -> Instant {
        match self {
            Self::At(time) | Self::About(time) => time,
        }
    }
}

/// Keeps account of the time that may be spun away.
#[derive(Debug)]
struct Spinning {
    saved: Duration,
    as_of: Instant,
    /// The end of the wait that is being spun away, paid for already.
    until: Option<Instant>,
}

impl Alarm {
    /// An alarm in the runtime that is entered, which may go off late by `slack`.
    pub(crate) fn new(slack: Duration) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        #[expect(deprecated, reason = "its successor wants a promise that an `OwnedFd` keeps")]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        // Where there is but one core, the target's work may be what a spin holds up.
        let spins = slack.is_zero() && !has_one_core();
        let earliest = if spins { EARLIEST } else { Duration::ZERO };
        let spinning = Spinning { saved: SAVINGS, as_of: Instant::now(), until: None };
        Ok(Self { timer, set: None, early: earliest, earliest, spinning, slack })
    }

    /// Ready when its time has come; until then the task is woken in time, or as much later as the
    /// slack allows.
    pub(crate) fn poll_until(&mut self, wake: Wake, cx: &mut Context<'_>) -> Poll<()> {
        let (now, due) = (Instant::now(), wake.time());
        self.learn(now, cx);
        let left = due.saturating_duration_since(now);
        if left.is_zero() {
            self.spinning.until = None;
            return Poll::Ready(());
        }
        self.spinning.earn(now);
        let is_due = matches!(wake, Wake::At(_));
        if is_due && left <= self.early && self.spinning.pay(due, left) {
            // The runtime polls its sockets without waiting, and then this task again.
            let _ = pin!(tokio::task::yield_now()).poll(cx);
            return Poll::Pending;
        }
        let early = if is_due && left > self.early && self.spinning.saved >= self.early {
            self.early
        } else {
            Duration::ZERO
        };
        self.set_to(now + left.saturating_sub(early) + self.slack, now);
        // It may have gone off meanwhile.
        while let Poll::Ready(Ok(mut ready)) = self.timer.poll_read_ready(cx) {
            ready.clear_ready();
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Waits until `due` has come, not a moment of it spinning; returns how late that ended.
    pub(crate) async fn sleep_until(&mut self, due: Instant) -> Duration {
        (self.early, self.earliest) = (Duration::ZERO, Duration::ZERO);
        std::future::poll_fn(|cx| self.poll_until(Wake::At(due), cx)).await;
        Instant::now().saturating_duration_since(due)
    }

    /// Looks whether the timer has gone off, and how late that was.
    fn learn(&mut self, now: Instant, cx: &mut Context<'_>) {
        let Some(set) = self.set else { return };
        let Poll::Ready(Ok(mut ready)) = self.timer.poll_read_ready(cx) else { return };
        ready.clear_ready();
        self.set = None;
        self.early = if now.saturating_duration_since(set) > self.early {
            (self.early + LATE).min(self.earliest)
        } else {
            self.early.saturating_sub(IN_TIME)
        };
    }

    fn set_to(&mut self, wake: Instant, now: Instant) {
        if self.set == Some(wake) {
            return;
        }
        // Zero would stop the timer.
        let left = wake.saturating_duration_since(now).max(Duration::from_nanos(1));
        let it_value = Timespec::try_from(left).expect("nobody waits for centuries");
        let spec = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)
            .expect("the descriptor and the time are valid");
        self.set = Some(wake);
    }
}

impl Spinning {
    fn earn(&mut self, now: Instant) {
        let earned = now.saturating_duration_since(self.as_of) / SPIN_PART;
        self.saved = (self.saved + earned).min(SAVINGS);
        self.as_of = now;
    }

    /// Pays for spinning until `due`, once.
    fn pay(&mut self, due: Instant, left: Duration) -> bool {
        if self.until == Some(due) {
            return true;
        }
        let Some(saved) = self.saved.checked_sub(left) else { return false };
        (self.saved, self.until) = (saved, Some(due));
        true
    }
}

/// Whether the machine has a single core; being pinned to one of several is something else.
fn has_one_core() -> bool {
    std::fs::read_to_string("/sys/devices/system/cpu/online").is_ok_and(|text| text.trim() == "0")
}
