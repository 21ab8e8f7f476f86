//! Gzip without compression, which every reader of gzip understands.

/// The longest block that deflate stores as it is.
const BLOCK: usize = 0xffff;

/// Wraps bytes as gzip does.
pub(super) fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = bytes.chunks(BLOCK).peekable();
    while let Some(block) = blocks.next() {
        gzip.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        gzip.extend(length.to_le_bytes());
        gzip.extend((!length).to_le_bytes());
        gzip.extend(block);
    }
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    gzip.extend(crc(bytes).to_le_bytes());
    gzip.extend(length.to_le_bytes());
    gzip
}

/// The check sum of gzip.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| {
        let low = crc & 1;
        (crc >> 1) ^ (0xedb8_8320 * low)
    };
    let add = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(u32::MAX, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_gzip() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        let gzip = stored(b"ab");
        assert_eq!(
            gzip.get(10..17),
            Some(&[1, 2, 0, 0xfd, 0xff, b'a', b'b'][..])
        );
    }
}
