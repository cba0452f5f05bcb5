/// Looks through bytes that are no sequence of events any more for events that are sound: the right checksum, in the place of nothing.
///
/// A crash tears the end of a file off, so behind a torn end there is nothing sound; behind a flipped bit there is. Found is what is at most
/// `eventBytesMax` long: that goes for the first and the last event of each transaction.
package struct SoundEventSearch: Sendable {
    /// Of an event that is looked for. Each place that looks like a header costs the checksum of so many bytes at most.
    package static let eventBytesMax = 64 << 10

    private let checksum: Checksum

    package init(checksum: @escaping Checksum) { self.checksum = checksum }

    /// The offset of the first sound event that begins among the first `places` bytes and ends within `bytes`; nil: there is none.
    package func first(in bytes: UnsafeRawBufferPointer, places: Int) -> Int? {
        (0..<min(places, bytes.count)).first { isSound(UnsafeRawBufferPointer(rebasing: bytes[$0...])) }
    }

    private func isSound(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // The type first: of all other bytes most are passed by this.
        guard bytes.count >= EventHeader.byteCount + checksumBytes, Self.isKnown(bytes[4]), let header = EventHeader(bytes) else { return false }
        guard (EventHeader.byteCount + checksumBytes...Self.eventBytesMax).contains(header.eventBytes), header.eventBytes <= bytes.count else {
            return false
        }
        let event = UnsafeRawBufferPointer(rebasing: bytes[..<header.eventBytes])
        guard header.type == .formatDescription else { return verifyChecksum(event: event, checksum) }
        do throws(BinlogError) {
            _ = try FormatDescription(event: event, checksum: checksum)
            return true
        } catch {
            return false
        }
    }

    /// The types that MariaDB writes to a file.
    private static func isKnown(_ type: UInt8) -> Bool {
        switch type {
        case 2...5, 9, 13...19, 23...26, 30...32, 38, 160...171: true
        default: false
        }
    }
}
