//! Where one message of PostgreSQL's protocol ends and the next begins.

/// A message as it was on the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Its type; 0 is what has none: the start of a connection.
    pub(super) kind: u8,
    pub(super) bytes: Vec<u8>,
}

impl Message {
    /// Whether it asks for encryption, which one bare byte answers.
    pub(super) fn wants_encryption(&self) -> bool {
        const SSL: u32 = 80_877_103;
        const GSS: u32 = 80_877_104;
        self.kind == 0 && matches!(self.bytes.get(4..8).map(number), Some(SSL | GSS))
    }
}

/// What one side has sent, and how to read on.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Length and body.
    Start,
    /// Type, length and body.
    Typed,
    /// A single byte.
    Bare,
    /// Nobody can tell.
    Opaque,
}

impl Frames {
    pub(super) fn of_client() -> Self {
        Self { buffer: Vec::new(), next: Next::Start }
    }

    pub(super) fn of_server() -> Self {
        Self { buffer: Vec::new(), next: Next::Typed }
    }

    /// The next byte stands alone.
    pub(super) fn expect_bare(&mut self) {
        self.next = Next::Bare;
    }

    /// What follows is encrypted.
    pub(super) fn make_opaque(&mut self) {
        self.next = Next::Opaque;
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let (kind, length) = match self.next {
            Next::Start => (0, number(self.buffer.get(..4)?) as usize),
            Next::Typed => (*self.buffer.first()?, 1 + number(self.buffer.get(1..5)?) as usize),
            Next::Bare => (*self.buffer.first()?, 1),
            Next::Opaque => (b'?', self.buffer.len()),
        };
        if length == 0 || self.buffer.len() < length {
            return None;
        }
        let rest = self.buffer.split_off(length);
        let message = Message { kind, bytes: std::mem::replace(&mut self.buffer, rest) };
        if self.next == Next::Bare || (self.next == Next::Start && !message.wants_encryption()) {
            self.next = Next::Typed;
        }
        Some(message)
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::{Frames, Message};

    fn messages(frames: &mut Frames) -> Vec<(u8, usize)> {
        std::iter::from_fn(|| frames.pop()).map(|message| (message.kind, message.bytes.len())).collect()
    }

    #[test]
    fn a_message_is_whole_when_its_last_byte_came() {
        let mut frames = Frames::of_client();
        let bytes = b"\0\0\0\x0a\0\x03\0\0ab\x51\0\0\0\x06x\0X\0\0\0\x04";
        let mut seen = Vec::new();
        for byte in bytes {
            frames.push(&[*byte]);
            seen.extend(messages(&mut frames));
        }
        assert_eq!(seen, [(0, 10), (b'Q', 7), (b'X', 5)]);
        frames.push(b"Q\0\0\0\x05;S\0\0\0\x04Q");
        assert_eq!(messages(&mut frames), [(b'Q', 6), (b'S', 5)]);
    }

    #[test]
    fn a_wish_for_encryption_is_answered_by_a_byte_and_the_start_comes_again() {
        let mut client = Frames::of_client();
        client.push(b"\0\0\0\x08\x04\xd2\x16\x2f");
        let wish = client.pop().expect("a message");
        assert!(wish.wants_encryption(), "{wish:?}");
        let mut server = Frames::of_server();
        server.expect_bare();
        server.push(b"NR\0\0\0\x08\0\0\0\0");
        assert_eq!(messages(&mut server), [(b'N', 1), (b'R', 9)]);
        client.push(b"\0\0\0\x09\0\x03\0\0\0Q\0\0\0\x04");
        assert_eq!(messages(&mut client), [(0, 9), (b'Q', 5)]);
        assert_eq!(client.pop(), None::<Message>);
    }
}
