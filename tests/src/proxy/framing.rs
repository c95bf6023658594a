//! Where one message of a protocol ends and the next begins.

use super::{Protocol, Side};

/// A message as it was on the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Its type; 0 is what has none: the start of a connection. A letter for commands and answers of MySQL, see
    /// [`Proxy::passed`](super::Proxy::passed).
    pub(super) kind: u8,
    pub(super) bytes: Vec<u8>,
    /// What it means for those that follow.
    pub(super) turn: Turn,
}

/// How the line is to be read after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// As before.
    None,
    /// The other side answers with a byte that stands alone.
    Bare,
    /// Both sides are encrypted.
    Opaque,
}

impl Message {
    /// Whether nobody answers it, as the connection ends.
    pub(super) fn is_farewell(&self) -> bool {
        self.kind == b'X'
    }
}

/// What one side has sent, and how to read on.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    side: Side,
    next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// PostgreSQL: length and body.
    Start,
    /// PostgreSQL: type, length and body.
    Typed,
    /// PostgreSQL: a single byte.
    Bare,
    /// MySQL: the first packet of a side.
    First,
    /// MySQL: length, number and body.
    Packet,
    /// Nobody can tell.
    Opaque,
}

impl Frames {
    pub(super) fn new(protocol: Protocol, side: Side) -> Self {
        let next = match (protocol, side) {
            (Protocol::Postgres, Side::Client) => Next::Start,
            (Protocol::Postgres, Side::Server) => Next::Typed,
            (Protocol::MySql, _) => Next::First,
        };
        Self { buffer: Vec::new(), side, next }
    }

    /// Reads on as a message of the other side says.
    pub(super) fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::None => {}
            Turn::Bare => self.next = Next::Bare,
            Turn::Opaque => self.next = Next::Opaque,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let (kind, length) = match self.next {
            Next::Start => (0, big_endian(self.buffer.get(..4)?)),
            Next::Typed => (*self.buffer.first()?, 1 + big_endian(self.buffer.get(1..5)?)),
            Next::Bare => (*self.buffer.first()?, 1),
            Next::First | Next::Packet => (0, 4 + little_endian(self.buffer.get(..3)?)),
            Next::Opaque => (b'?', self.buffer.len()),
        };
        if length == 0 || self.buffer.len() < length {
            return None;
        }
        let rest = self.buffer.split_off(length);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        let (kind, turn, next) = match (self.next, self.side) {
            (Next::Start, _) if wants_encryption(&bytes) => (kind, Turn::Bare, Next::Start),
            (Next::Bare, Side::Server) if bytes == b"S" => (kind, Turn::Opaque, Next::Opaque),
            (Next::Start | Next::Typed | Next::Bare, _) => (kind, Turn::None, Next::Typed),
            // The client does not wait: what follows is encrypted.
            (Next::First, Side::Client) if is_wish_for_tls(&bytes) => (0, Turn::Opaque, Next::Opaque),
            (Next::First, Side::Client) => (0, Turn::None, Next::Packet),
            (Next::First | Next::Packet, Side::Server) => (answer(&bytes), Turn::None, Next::Packet),
            (Next::Packet, Side::Client) => (command(&bytes), Turn::None, Next::Packet),
            (Next::Opaque, _) => (kind, Turn::None, Next::Opaque),
        };
        self.next = next;
        Some(Message { kind, bytes, turn })
    }
}

/// Whether the start of a connection to PostgreSQL asks for encryption, which one bare byte answers.
fn wants_encryption(bytes: &[u8]) -> bool {
    const SSL: usize = 80_877_103;
    const GSS: usize = 80_877_104;
    matches!(bytes.get(4..8).map(big_endian), Some(SSL | GSS))
}

/// Whether the client's first packet is the short one that only asks for encryption.
fn is_wish_for_tls(bytes: &[u8]) -> bool {
    const CLIENT_SSL: u8 = 0x08;
    bytes.len() == 4 + 32 && bytes[5] & CLIENT_SSL != 0
}

/// A letter for a command of MySQL's. What carries another number than 0 goes on with something: with the proof of a
/// password, a file, or a command that is too long for one packet.
fn command(bytes: &[u8]) -> u8 {
    match bytes {
        [_, _, _, 0, command, ..] => match command {
            0x01 => b'X',
            0x02 => b'I',
            0x03 => b'Q',
            0x0e => b'P',
            0x16 => b'S',
            0x17 => b'E',
            0x19 => b'C',
            0x1f => b'R',
            _ => b'?',
        },
        _ => b'.',
    }
}

/// A letter for an answer of MySQL's. A row whose first cell is empty looks as if all were well.
fn answer(bytes: &[u8]) -> u8 {
    match bytes {
        [_, _, _, 0, ..] => b'H',
        [_, _, _, _, 0x00, ..] => b'K',
        [_, _, _, _, 0xff, ..] => b'E',
        [_, _, _, _, 0xfe, ..] => b'Z',
        _ => b'D',
    }
}

fn big_endian(bytes: &[u8]) -> usize {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::{Frames, Message, Protocol, Side, Turn};

    fn messages(frames: &mut Frames) -> Vec<(u8, usize)> {
        std::iter::from_fn(|| frames.pop()).map(|message| (message.kind, message.bytes.len())).collect()
    }

    #[test]
    fn a_message_is_whole_when_its_last_byte_came() {
        let mut frames = Frames::new(Protocol::Postgres, Side::Client);
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
        let mut client = Frames::new(Protocol::Postgres, Side::Client);
        client.push(b"\0\0\0\x08\x04\xd2\x16\x2f");
        let wish = client.pop().expect("a message");
        assert_eq!(wish.turn, Turn::Bare, "{wish:?}");
        let mut server = Frames::new(Protocol::Postgres, Side::Server);
        server.turn(wish.turn);
        server.push(b"NR\0\0\0\x08\0\0\0\0");
        assert_eq!(messages(&mut server), [(b'N', 1), (b'R', 9)]);
        client.push(b"\0\0\0\x09\0\x03\0\0\0Q\0\0\0\x04");
        assert_eq!(messages(&mut client), [(0, 9), (b'Q', 5)]);
        assert_eq!(client.pop(), None::<Message>);
        let mut server = Frames::new(Protocol::Postgres, Side::Server);
        server.turn(Turn::Bare);
        server.push(b"S");
        assert_eq!(server.pop().map(|consent| consent.turn), Some(Turn::Opaque));
        server.push(b"R\0\0");
        assert_eq!(messages(&mut server), [(b'?', 3)]);
    }

    #[test]
    fn a_packet_of_mysql_has_its_length_first_and_its_command_behind_its_number() {
        let mut client = Frames::new(Protocol::MySql, Side::Client);
        let bytes = b"\x03\0\0\x01abc\x02\0\0\x03ok\x02\0\0\0\x03;\x01\0\0\0\x01";
        let mut seen = Vec::new();
        for byte in bytes {
            client.push(&[*byte]);
            seen.extend(messages(&mut client));
        }
        assert_eq!(seen, [(0, 7), (b'.', 6), (b'Q', 6), (b'X', 5)]);
        let mut server = Frames::new(Protocol::MySql, Side::Server);
        server.push(b"\x01\0\0\0\x0a\x01\0\0\x02\0\x02\0\0\x01\x011\x01\0\0\x02\xfe\0\x01\0\x01\xff");
        assert_eq!(messages(&mut server), [(b'H', 5), (b'K', 5), (b'D', 6), (b'Z', 5)]);
        assert_eq!(server.pop(), None::<Message>, "256 bytes are announced");
    }

    #[test]
    fn what_follows_the_wish_for_tls_is_not_read_as_packets() {
        let mut client = Frames::new(Protocol::MySql, Side::Client);
        let mut wish = vec![32, 0, 0, 1];
        wish.extend([0x85, 0xae, 0xff, 0x19]);
        wish.extend([0; 28]);
        client.push(&wish);
        client.push(b"\x16\x03\x01");
        let wish = client.pop().expect("a message");
        assert_eq!((wish.kind, wish.turn), (0, Turn::Opaque));
        assert_eq!(messages(&mut client), [(b'?', 3)]);
    }
}
