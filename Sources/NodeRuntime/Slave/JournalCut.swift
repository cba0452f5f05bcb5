import BinlogFormat
import ClusterModel
import Failover
import Replication

/// What was cut off a journal.
struct JournalCut: Equatable, Sendable {
    var transactions = 0
    /// Nil when nothing was past the place.
    var first: GTID?
    var last: GTID?
    /// Of the transactions' events.
    var bytes = 0
    /// The file that holds them now; nil when nothing was cut, or nothing to be saved.
    var savedTo: String?
}

extension JournalFiles {
    /// Where a transaction ends.
    private struct Place {
        let segment: JournalSegment
        let format: FormatDescription?
        let bytes: Int
    }

    /// Cuts the journal, durably, behind the transaction `position`, which must be one of it or what it begins after. What goes is saved at `path`
    /// first, as a binlog file, and with it the transaction that was under way, if any, goes unsaved. After an error nothing is changed, but that
    /// files may be gone that held only what was to be cut.
    func cut(to position: Position, savingTo path: String?) throws(JournalProblem) -> JournalCut {
        try finishWriting()
        guard position != state.written else { return JournalCut() }
        let place = try place(of: position)
        let cut = try save(place, after: position, path)
        // First of all: a mark of less than there is costs nothing. One beyond what is left would say that this log lost something. Where it did,
        // nobody knows whether that is part of what is cut.
        if case .upTo(let promised) = state.promise, LogEnd(promised) <= LogEnd(state.written) { try promise(only: position) }
        do throws(JournalProblem) { try cutFiles(place.segment.number, to: position, bytes: place.bytes, place.format) } catch {
            try noteDurable()
            throw error
        }
        return cut
    }

    private func place(of position: Position) throws(JournalProblem) -> Place {
        let notHeld = JournalProblem.notHeld(position, after: index.first ?? state.written, last: state.written)
        guard let segment = index.segments.last(where: { $0.after <= position }) else { throw notHeld }
        // The same place with another writer is another transaction.
        let isAtHead = segment.after == position
        var reader = try BinlogFileReader(Self.path(directory, segment), upTo: segment.bytes)
        var groups = GroupTracker()
        var format: FormatDescription?
        while let event = try reader.next() {
            switch try event.step(&groups) {
            case .formatDescription: format = try event.format()
            case .groupBegan where isAtHead: return Place(segment: segment, format: format, bytes: event.offset)
            case .groupEnded(let gtid) where Position(gtid) == position: return Place(segment: segment, format: format, bytes: event.end)
            case .groupBegan, .groupContinued, .groupEnded, .ignored: break
            }
        }
        guard isAtHead else { throw notHeld }
        return Place(segment: segment, format: format, bytes: segment.bytes)
    }

    /// Saves what comes after `place`, and counts it.
    private func save(_ place: Place, after position: Position, _ path: String?) throws(JournalProblem) -> JournalCut {
        var before = history
        before.cut(to: position)
        var tail: SavedTail?
        if let path, let format = place.format { tail = try SavedTail(path, format, after: before.state.suffix(Self.headWritersMax)) }
        var cut = JournalCut()
        for segment in index.segments where segment.number >= place.segment.number {
            let from = segment.number == place.segment.number ? place.bytes : nil
            try take(segment, from: from, &cut, tail)
        }
        if cut.transactions > 0 { cut.savedTo = try tail?.finish() }
        return cut
    }

    private func take(_ segment: JournalSegment, from: Int?, _ cut: inout JournalCut, _ tail: SavedTail?) throws(JournalProblem) {
        let path = Self.path(directory, segment)
        var reader =
            if let from { try BinlogFileReader(path, from: from, upTo: segment.bytes) } else { try BinlogFileReader(path, upTo: segment.bytes) }
        var groups = GroupTracker()
        while let event = try reader.next() {
            switch try event.step(&groups) {
            case .formatDescription:
                tail?.begin(try event.format())
                continue
            case .ignored: continue
            case .groupBegan, .groupContinued: break
            case .groupEnded(let gtid):
                cut.first = cut.first ?? gtid
                cut.last = gtid
                cut.transactions += 1
            }
            cut.bytes += event.bytes.count
            try tail?.add(event.bytes)
        }
    }
}
