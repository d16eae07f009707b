//! A registered session's orders from outside: each is sent once, and its answer handed back.

use super::push::Act;
use crate::server::orders::{Order, OrderId, OrderReply};
use crate::wire::Message;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(super) struct Orders {
    /// Sent and not answered; few, since whoever gives an order waits for it.
    open: Vec<OrderId>,
    acts: VecDeque<Act>,
}

impl Orders {
    pub(super) fn handle_order(&mut self, id: OrderId, order: Order) {
        let request = id.0;
        self.open.push(id);
        self.acts.push_back(Act::Send(Box::new(match order {
            Order::Probe(entries) => Message::ProbeList { request, entries },
            Order::Move(entry, ttl_s) => Message::Move { request, entry, ttl_s },
            Order::TellList => Message::AskList { request },
            Order::TellEpoch => Message::AskEpoch { request },
        })));
    }

    /// The device is not asked.
    pub(super) fn refuse(&mut self, id: OrderId, text: &str) {
        self.acts.push_back(Act::Reply(id, OrderReply::Refused(text.to_owned())));
    }

    pub(super) fn handle_message(&mut self, message: Message) {
        if let Message::ProbeTable { request, rows } = message {
            self.reply(request, OrderReply::Probed(rows));
        } else if let Message::ListAnswer { request, list } = message {
            self.reply(request, OrderReply::List(list));
        } else if let Message::EpochAnswer { request, epoch } = message {
            self.reply(request, OrderReply::Epoch(epoch));
        } else if let Message::MoveAnswer { request, refused } = message {
            self.reply(request, if refused.is_empty() { OrderReply::Moving } else { OrderReply::Refused(refused) });
        } else if let (Message::Unsupported { .. }, Some(id)) = (&message, self.open.first().copied()) {
            // It does not say what it does not know: the oldest order that is open.
            self.reply(id.0, OrderReply::NotUnderstood);
        }
    }

    pub(super) fn next(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// Answers nobody waits for are ignored.
    fn reply(&mut self, request: u64, reply: OrderReply) {
        if let Some(place) = self.open.iter().position(|id| id.0 == request) {
            let id = self.open.remove(place);
            self.acts.push_back(Act::Reply(id, reply));
        }
    }
}
