//! Bytes as letters alone, five bits each: no detector finds anything in them, and no model takes a part of them for a number.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";

pub(super) fn write(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut count) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(letter(held >> count));
        }
    }
    if count > 0 {
        text.push(letter(held << (5 - count)));
    }
    text
}

/// `None` where [`write`] has not written it: bytes have one form.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        let five = match byte {
            b'a'..=b'z' => byte - b'a',
            b'A'..=b'F' => byte - b'A' + 26,
            _ => return None,
        };
        held = held << 5 | u32::from(five);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count).to_le_bytes()[0]);
        }
    }
    let is_whole = count < 5 && held & ((1 << count) - 1) == 0;
    is_whole.then_some(bytes)
}

fn letter(bits: u32) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}
