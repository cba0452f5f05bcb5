import BinlogFormat
package import ClusterModel

/// Where in the master's binlog the transactions end whose commits wait, oldest first.
package struct CommitPlaces: Sendable {
    private var file: [UInt8] = []
    private var offset: UInt64 = 0
    private var waiting: [(position: Position, place: BinlogPlace)] = []
    private var released = 0

    package init() {}

    /// The reader begins anew: what still waits is asked for again.
    package mutating func reset() { self = CommitPlaces() }

    /// Follows the file and the offset. `event`: as the database sent it.
    package mutating func passed(_ event: UnsafeRawBufferPointer) {
        guard let header = EventHeader(event) else { return }
        if header.type == .rotate {
            // Its checksum, there even before checksums are agreed on, is no part of the name.
            let name = event.dropFirst(EventHeader.byteCount + 8).dropLast(4)
            file = Array(name)
            offset = 0
        } else if header.endPosition != 0 {
            // An event tells 32 bits of it; one transaction can make a file longer.
            let low = UInt64(header.endPosition)
            let high = offset & ~0xffff_ffff
            offset = high + low < offset ? high + (1 << 32) + low : high + low
        }
    }

    /// Behind the event that passed last.
    package var place: BinlogPlace { BinlogPlace(file: file, offset: offset) }

    /// The transaction that ends here waits.
    package mutating func waits(_ position: Position) { waiting.append((position, place)) }

    /// What to acknowledge now that everything up to `position` is held by enough nodes; nil: nothing that waits.
    package mutating func release(upTo position: Position) -> BinlogPlace? {
        var last: BinlogPlace?
        while released < waiting.count, waiting[released].position <= position {
            last = waiting[released].place
            released += 1
        }
        if released == waiting.count || released > 1024 {
            waiting.removeFirst(released)
            released = 0
        }
        return last
    }
}
