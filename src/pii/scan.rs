//! The candidate scan: bytes in, places out where a value may stand; most text has none.
//!
//! Sixty-four bytes at a time become bit masks, one bit a byte, without a branch on what the text says. A place is a
//! byte that no value of its type can be without: the `@` of an address, the fourth digit of a run, the third dot of
//! four numbers, a double colon or the seventh single one. What a place depends on stands at most [`REACH`] bytes
//! before it, so that a scan may begin anywhere that far ahead.

/// How far before a place the bytes stand that make it one: seven colons, five bytes apart at most.
pub(super) const REACH: usize = 64;

const BLOCK: usize = 64;
/// Colons in a row, with hexadecimal groups between, that make a place.
const CHAIN: usize = 6;

/// The places of a text from `at` on, in order.
pub(super) struct Places<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the block of `found` begins, and where the next one does.
    base: usize,
    next: usize,
    found: u64,
    before: Before,
}

/// The masks of the block before.
#[derive(Default)]
struct Before {
    digits: u64,
    pairs: u64,
    fours: u64,
    dots: u64,
    second_dots: u64,
    colons: u64,
    chain: [u64; CHAIN],
}

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a [u8], at: usize) -> Self {
        let base = at.saturating_sub(REACH);
        Self {
            text,
            at,
            base,
            next: base,
            found: 0,
            before: Before::default(),
        }
    }

    fn load(&mut self) -> bool {
        let rest = &self.text[self.next..];
        self.base = self.next;
        if let Some(block) = rest.first_chunk::<BLOCK>() {
            self.found = self.before.find(block);
            self.next += BLOCK;
            return true;
        }
        if rest.is_empty() {
            return false;
        }
        let mut block = [0; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        self.found = self.before.find(&block);
        self.next = self.text.len();
        true
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            while self.found != 0 {
                let place = self.base + self.found.trailing_zeros() as usize;
                self.found &= self.found - 1;
                if place >= self.at {
                    return Some(place);
                }
            }
            if !self.load() {
                return None;
            }
        }
    }
}

impl Before {
    fn find(&mut self, block: &[u8; BLOCK]) -> u64 {
        if !block.iter().fold(false, |found, byte| found | may_matter(*byte)) {
            *self = Self::default();
            return 0;
        }
        let digits = mask(block, |byte| byte.wrapping_sub(b'0') < 10);
        let ats = mask(block, |byte| byte == b'@');
        let dots = mask(block, |byte| byte == b'.');
        let colons = mask(block, |byte| byte == b':');
        let found = ats | self.runs(digits) | self.dotted(dots, digits) | self.colons(colons);
        self.digits = digits;
        found
    }

    /// The fourth digit of each run.
    fn runs(&mut self, digits: u64) -> u64 {
        let pairs = digits & shifted(digits, self.digits, 1);
        let fours = pairs & shifted(pairs, self.pairs, 2);
        let found = fours & !shifted(fours, self.fours, 1);
        (self.pairs, self.fours) = (pairs, fours);
        found
    }

    /// The third dot and each further one, where at most three bytes stand between.
    fn dotted(&mut self, dots: u64, digits: u64) -> u64 {
        if dots == 0 {
            (self.dots, self.second_dots) = (0, 0);
            return 0;
        }
        let dots = dots & shifted(digits, self.digits, 1);
        let near = |now, before| shifted(now, before, 2) | shifted(now, before, 3) | shifted(now, before, 4);
        let seconds = dots & near(dots, self.dots);
        let thirds = dots & near(seconds, self.second_dots);
        (self.dots, self.second_dots) = (dots, seconds);
        thirds
    }

    /// The second of two colons in a row, and the seventh of a chain.
    fn colons(&mut self, colons: u64) -> u64 {
        let found = colons & shifted(colons, self.colons, 1);
        let mut link = colons;
        let mut last = self.colons;
        for step in &mut self.chain {
            if link | last == 0 {
                *step = 0;
                last = 0;
                continue;
            }
            let near =
                shifted(link, last, 2) | shifted(link, last, 3) | shifted(link, last, 4) | shifted(link, last, 5);
            link = colons & near;
            last = std::mem::replace(step, link);
        }
        self.colons = colons;
        found | link
    }
}

/// `now` moved `by` bytes on, with what comes over from the block before.
fn shifted(now: u64, before: u64, by: u32) -> u64 {
    now << by | before >> (64 - by)
}

#[allow(
    clippy::needless_bitwise_bool,
    reason = "a branch would keep it from becoming vector instructions"
)]
fn may_matter(byte: u8) -> bool {
    // 0..9 and the colon stand next to each other.
    (byte.wrapping_sub(b'0') <= 10) | (byte == b'@')
}

/// One bit a byte, the first lowest. Eight bytes of 0 or 1 become eight bits by one multiplication.
fn mask(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    let mut flags = [0_u8; BLOCK];
    for (flag, byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(is(*byte));
    }
    let (words, _) = flags.as_chunks::<8>();
    words.iter().enumerate().fold(0, |bits, (index, word)| {
        let eight = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | eight << (8 * index)
    })
}
