//! A page of documentation, taken apart.

/// A fenced block: what stands behind the fence, and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// `console`, `sql migrations/1_a.sql`.
    pub info: String,
    /// Its lines, each with its end.
    pub text: String,
}

/// The fenced blocks of a page, in order.
///
/// # Panics
/// If one is never closed.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(info)) => open = Some(Block { info: info.to_owned(), text: String::new() }),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is never closed");
    blocks
}

impl Block {
    /// The commands of a `console` block.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| line.strip_prefix("$ "))
    }
}
