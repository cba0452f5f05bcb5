/// zlib's `crc32(crc, bytes)`: takes the checksum of what came before (0 at the start) and folds `bytes` into it.
///
/// It comes in from the edge, so that this module needs no C library.
package typealias Checksum = @Sendable (_ crc: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32

/// The bytes of the CRC32 at the end of every event.
package let checksumBytes = 4

/// The largest event that is taken, in bytes: MariaDB's own limit (`max_allowed_packet` of replication).
package let eventBytesMax = 1 << 30

/// True when the last four bytes of a whole event are the CRC32 of those before.
///
/// MariaDB sums a format description as if its in-use flag were clear; `FormatDescription` takes care of that, this function does not.
package func verifyChecksum(event: UnsafeRawBufferPointer, _ checksum: Checksum) -> Bool {
    guard event.count >= EventHeader.byteCount + checksumBytes else { return false }
    let summed = event.count - checksumBytes
    return event.littleEndian(at: summed, as: UInt32.self) == checksum(0, UnsafeRawBufferPointer(rebasing: event[..<summed]))
}
