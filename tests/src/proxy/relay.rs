//! The thread of a proxy.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_socket_linger;

use super::framing::{Frames, Message};
use super::{Cut, How, Protocol, Shared, Side, lock};

pub(super) struct Relay {
    protocol: Protocol,
    target: String,
    delay: Duration,
    listener: TcpListener,
    wakened: UnixStream,
    shared: Arc<Mutex<Shared>>,
    links: Vec<Link>,
}

/// A client and its connection to the server.
struct Link {
    client: TcpStream,
    server: TcpStream,
    up: Way,
    down: Way,
    /// Whether the client was given something since it last spoke, or never spoke.
    answered: bool,
}

/// One direction.
struct Way {
    side: Side,
    frames: Frames,
    /// What is on its way, with the moment of its arrival.
    queue: VecDeque<(Instant, Item)>,
    /// How much of the first item has been written.
    written: usize,
    /// Nothing more is read.
    ended: bool,
    /// Nothing more is sent on its way.
    passed_end: bool,
    /// Nothing more is sent on its way but the end.
    silent: bool,
}

enum Item {
    Bytes(Vec<u8>),
    /// The sender has ended its half.
    End,
    /// The connection ends here.
    Cut(How),
}

/// A link is no more.
struct Over(How);

impl Relay {
    pub(super) fn new(
        protocol: Protocol,
        target: &str,
        delay: Duration,
        listener: TcpListener,
        wakened: UnixStream,
        shared: Arc<Mutex<Shared>>,
    ) -> Self {
        listener.set_nonblocking(true).expect("a listener of our own");
        wakened.set_nonblocking(true).expect("a socket of our own");
        Self { protocol, target: target.to_owned(), delay, listener, wakened, shared, links: Vec::new() }
    }

    pub(super) fn run(mut self) {
        loop {
            self.wait();
            while matches!((&self.wakened).read(&mut [0; 16]), Ok(1..)) {}
            let cut_all = {
                let mut shared = lock(&self.shared);
                if shared.ended {
                    return;
                }
                shared.cut_all.take()
            };
            if let Some(how) = cut_all {
                self.links.drain(..).for_each(|link| link.end(how));
            }
            self.accept();
            let mut index = 0;
            while index < self.links.len() {
                match self.links[index].turn(self.delay, &self.shared) {
                    Ok(()) => index += 1,
                    Err(Over(how)) => self.links.swap_remove(index).end(how),
                }
            }
        }
    }

    /// Waits until there is something to read, room for what waits to be written, or something is due.
    fn wait(&self) {
        let now = Instant::now();
        let mut next: Option<Duration> = None;
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN), PollFd::new(&self.wakened, PollFlags::IN)];
        for link in &self.links {
            for (from, to, way) in [(&link.client, &link.server, &link.up), (&link.server, &link.client, &link.down)] {
                if !way.ended {
                    fds.push(PollFd::new(from, PollFlags::IN));
                }
                match way.queue.front() {
                    Some((due, _)) if *due <= now => fds.push(PollFd::new(to, PollFlags::OUT)),
                    Some((due, _)) => next = Some(next.map_or(*due - now, |next| next.min(*due - now))),
                    None => {}
                }
            }
        }
        let timeout = next.map(|next| Timespec::try_from(next).expect("a short time"));
        // An interrupted wait is as good as one that ended.
        let _ = poll(&mut fds, timeout.as_ref());
    }

    fn accept(&mut self) {
        while let Ok((client, _)) = self.listener.accept() {
            let server = if lock(&self.shared).refusing { None } else { TcpStream::connect(&self.target).ok() };
            let Some(server) = server else {
                end(client, How::Reset);
                continue;
            };
            for socket in [&client, &server] {
                socket.set_nonblocking(true).expect("a socket of our own");
                socket.set_nodelay(true).expect("a socket of our own");
            }
            lock(&self.shared).counts.connections += 1;
            let [up, down] = [Side::Client, Side::Server].map(|side| Way::new(side, Frames::new(self.protocol, side)));
            self.links.push(Link { client, server, up, down, answered: true });
        }
    }
}

impl Link {
    /// Reads what is there and writes what is due.
    fn turn(&mut self, delay: Duration, shared: &Mutex<Shared>) -> Result<(), Over> {
        for message in self.up.read(&mut self.client)? {
            self.down.frames.turn(message.turn);
            let is_farewell = message.is_farewell();
            if self.up.pass(message, delay, shared) && !is_farewell && std::mem::take(&mut self.answered) {
                lock(shared).counts.round_trips += 1;
            }
        }
        self.up.pass_end(delay);
        for message in self.down.read(&mut self.server)? {
            self.up.frames.turn(message.turn);
            self.down.pass(message, delay, shared);
        }
        self.down.pass_end(delay);
        self.up.write(&mut self.server)?;
        self.answered |= self.down.write(&mut self.client)?;
        if self.up.is_over() && self.down.is_over() { Err(Over(How::Close)) } else { Ok(()) }
    }

    fn end(self, how: How) {
        end(self.client, how);
        end(self.server, how);
    }
}

fn end(mut socket: TcpStream, how: How) {
    if how == How::Reset {
        let _ = set_socket_linger(&socket, Some(Duration::ZERO));
    } else {
        // Unread input would turn the FIN into a RST.
        let _ = socket.shutdown(Shutdown::Write);
        while matches!(socket.read(&mut [0; 4096]), Ok(1..)) {}
    }
}

/// What stands before the text of a query, in both protocols.
const FRAME: usize = 5;
/// How much of a message is remembered.
const SHOWN: usize = 40;

impl Way {
    fn new(side: Side, frames: Frames) -> Self {
        Self { side, frames, queue: VecDeque::new(), written: 0, ended: false, passed_end: false, silent: false }
    }

    fn is_over(&self) -> bool {
        self.ended && self.queue.is_empty()
    }

    /// The messages that have become whole.
    fn read(&mut self, from: &mut TcpStream) -> Result<Vec<Message>, Over> {
        let mut chunk = vec![0; 64 * 1024];
        while !self.ended {
            match from.read(&mut chunk) {
                Ok(0) => self.ended = true,
                Ok(length) => self.frames.push(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Over(How::Reset)),
            }
        }
        Ok(std::iter::from_fn(|| self.frames.pop()).collect())
    }

    /// Counts a message and sends it on its way, or cuts the connection there. Whether it was sent.
    fn pass(&mut self, message: Message, delay: Duration, shared: &Mutex<Shared>) -> bool {
        if self.passed_end || self.silent {
            return false;
        }
        let mut shared = lock(shared);
        let count = match self.side {
            Side::Client => &mut shared.counts.client_messages,
            Side::Server => &mut shared.counts.server_messages,
        };
        *count += 1;
        let number = *count;
        let here = |cut: &Cut| cut.side == self.side && cut.message == number;
        let cut = if shared.cut.as_ref().is_some_and(here) { shared.cut.take() } else { None };
        if let Some(cut) = cut {
            shared.was_cut = true;
            shared.refusing |= cut.lasting;
        }
        let due = Instant::now() + delay;
        let sent = cut.is_none_or(|cut| cut.after);
        if sent {
            shared.passed.push((self.side, message.kind, Instant::now()));
            if self.side == Side::Client {
                let shown = message.bytes.get(FRAME..).unwrap_or_default();
                shared.begins.push(String::from_utf8_lossy(&shown[..shown.len().min(SHOWN)]).into_owned());
            }
            self.queue.push_back((due, Item::Bytes(message.bytes)));
        }
        if let Some(Cut { how: How::Silence, .. }) = cut {
            self.silent = true;
        } else if let Some(cut) = cut {
            self.queue.push_back((due, Item::Cut(cut.how)));
            (self.ended, self.passed_end) = (true, true);
        }
        sent
    }

    /// Sends the end on its way, behind the last message.
    fn pass_end(&mut self, delay: Duration) {
        if self.ended && !self.passed_end {
            self.passed_end = true;
            self.queue.push_back((Instant::now() + delay, Item::End));
        }
    }

    /// Writes what is due; whether that was anything.
    fn write(&mut self, to: &mut TcpStream) -> Result<bool, Over> {
        let now = Instant::now();
        let mut wrote = false;
        while let Some((due, item)) = self.queue.front()
            && *due <= now
        {
            match item {
                Item::Cut(how) => return Err(Over(*how)),
                Item::End => {
                    let _ = to.shutdown(Shutdown::Write);
                }
                Item::Bytes(bytes) => match to.write(&bytes[self.written..]) {
                    Ok(length) => {
                        wrote = true;
                        self.written += length;
                        if self.written < bytes.len() {
                            continue;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => return Err(Over(How::Reset)),
                },
            }
            self.written = 0;
            self.queue.pop_front();
        }
        Ok(wrote)
    }
}
