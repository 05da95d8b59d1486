//! The body of a request, which knows when it is sent.
//!
//! hyper asks for it when it writes the request, in a task of its own. That is the moment at which the
//! events leave, and not the one at which the task was given something to do.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};

use crate::target::pending::{Pending, Ticket};

/// All of a body, and whose it is until it has been sent.
#[derive(Debug)]
pub(crate) struct Body {
    content: Full<Bytes>,
    owner: Option<Owner>,
}

/// Whose a body is.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pending: Rc<RefCell<Pending>>,
    /// Most requests carry a single event, and need no list.
    first: Ticket,
    rest: Box<[Ticket]>,
}

impl Body {
    pub(crate) fn new(content: Bytes) -> Self {
        Self { content: Full::new(content), owner: None }
    }

    /// Makes it the body of these attempts.
    pub(super) fn belongs_to(&mut self, pending: &Rc<RefCell<Pending>>, tickets: &[Ticket]) {
        self.owner = tickets.split_first().map(|(&first, rest)| Owner {
            pending: Rc::clone(pending),
            first,
            rest: rest.into(),
        });
    }

    /// Whose it is until it has been sent.
    pub(super) fn owner(&self) -> Option<Owner> {
        self.owner.clone()
    }

    /// The events leave, unless they have before.
    pub(super) fn leave(&mut self) {
        if let Some(owner) = self.owner.take() {
            owner.leave();
        }
    }
}

impl Owner {
    /// The events leave, unless they have before.
    pub(super) fn leave(self) {
        let mut pending = self.pending.borrow_mut();
        pending.sent(self.first);
        self.rest.iter().for_each(|&ticket| pending.sent(ticket));
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.leave();
        Pin::new(&mut self.content).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
