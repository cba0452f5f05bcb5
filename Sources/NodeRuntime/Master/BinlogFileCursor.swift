import BinlogFormat
import ClusterModel
import Failover
import Replication

/// The transactions in the binlog files of a database that is down, from one position on.
///
/// Not safe for more than one thread: it is handed from the loop to the reading queue and back with each read.
final class BinlogFileCursor: @unchecked Sendable {
    private static let chunkBytes = 512 << 10

    private let directory: String
    private let end: Position
    /// Nil: not looked for yet.
    private var paths: ArraySlice<String>?
    private var reader: BinlogFileReader?
    private var groups = GroupTracker()
    private var isSkipping = false
    /// The last whole transaction that was read.
    private(set) var last: Position

    init(_ directory: String, after position: Position, upTo end: Position) {
        self.directory = directory
        self.end = end
        last = position
    }

    /// The files from the last one on that begins at or before the position.
    private func found() throws(JournalProblem) -> ArraySlice<String> {
        let all = try BinlogFiles(directory).paths
        for index in all.indices.reversed() where try BinlogFiles.historyBefore(all[index]).end <= last { return all[index...] }
        throw .notInBinlog(directory: directory, last)
    }

    /// Whole transactions, some hundred kilobytes unless one is larger. Throws where the files end before they should.
    func read() throws(JournalProblem) -> FileStream.Piece {
        if paths == nil { paths = try found() }
        var out: [UInt8] = []
        while last < end, out.count < Self.chunkBytes || groups.openGroup != nil {
            guard let event = try next() else { break }
            switch try event.step(&groups) {
            case .formatDescription: out += try event.format().served
            case .groupBegan(let gtid):
                isSkipping = gtid.sequence <= last.sequence || gtid.writer == nil
                guard isSkipping || last.isFollowed(by: gtid) else { throw event.damaged(.gap(gtid, after: last)) }
                if !isSkipping { out += event.bytes }
            case .groupContinued: if !isSkipping { out += event.bytes }
            case .groupEnded(let gtid):
                guard !isSkipping else { continue }
                out += event.bytes
                last = Position(gtid)
            case .ignored: break
            }
        }
        guard !out.isEmpty else { throw .notInBinlog(directory: directory, end) }
        return FileStream.Piece(events: out, last: last)
    }

    private func next() throws(JournalProblem) -> BinlogFileReader.Event? {
        while true {
            if reader == nil {
                guard let path = paths?.popFirst() else { return nil }
                groups.reset()
                reader = try BinlogFileReader(path)
            }
            if let event = try reader?.next() {
                try event.checkChecksum()
                return event
            }
            reader = nil
        }
    }
}
