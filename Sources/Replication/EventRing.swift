package import ClusterModel

/// The newest events of a binlog, in batches: what several readers that keep up share.
///
/// It grows at its end; its owner drops the oldest batches when it holds more than it may.
package struct EventRing: Sendable {
    package struct Batch: Sendable {
        /// As they go over the wire.
        package let frame: [UInt8]
        /// The last whole transaction up to its end.
        package let last: Position
        /// It ends within a transaction.
        package let isOpen: Bool
    }

    private let bytesMax: Int
    /// Those before `dead` are dropped.
    private var batches: [Batch] = []
    private var dead = 0
    private var base: Position
    private var baseIsOpen = false
    /// The number of the oldest batch.
    package private(set) var first = 0
    package private(set) var bytes = 0

    /// Begins empty, after `position`.
    package init(after position: Position, bytesMax: Int) {
        base = position
        self.bytesMax = bytesMax
    }

    /// The number that the next batch gets.
    package var end: Int { first + batches.count - dead }
    package var isOverfull: Bool { bytes > bytesMax }

    package mutating func append(_ frame: [UInt8], last: Position, isOpen: Bool) {
        batches.append(Batch(frame: frame, last: last, isOpen: isOpen))
        bytes += frame.count
    }

    /// Nil: dropped, or not there yet.
    package func batch(_ number: Int) -> Batch? { number >= first && number < end ? batches[dead + number - first] : nil }

    package mutating func dropFirst() {
        guard dead < batches.count else { return }
        let oldest = batches[dead]
        (base, baseIsOpen) = (oldest.last, oldest.isOpen)
        bytes -= oldest.frame.count
        batches[dead] = Batch(frame: [], last: oldest.last, isOpen: oldest.isOpen)
        dead += 1
        first += 1
        // Not for each: the rest would be moved for each.
        guard dead >= 64, dead * 2 >= batches.count else { return }
        batches.removeSubrange(..<dead)
        dead = 0
    }

    /// The batch that a reader goes on with who has all up to `position`; nil when no batch begins there.
    package func follower(of position: Position) -> Int? {
        if position == base, !baseIsOpen { return first }
        var (low, high) = (dead, batches.count)
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].last < position { low = middle + 1 } else { high = middle }
        }
        // Of those that end with the same transaction, only the first ends right behind it.
        guard low < batches.count, batches[low].last == position, !batches[low].isOpen else { return nil }
        return first + low - dead + 1
    }
}
