import BinlogFormat
import ClusterModel
import Dispatch
import EventLoop
import Failover
import Replication

/// The transactions in the binlog files of a database that is down, from one position on.
///
/// Not safe for more than one thread: it is handed from the loop to the reading queue and back with each read.
private final class BinlogFileCursor: @unchecked Sendable {
    private static let chunkBytes = 512 << 10

    private var paths: ArraySlice<String>
    private var reader: BinlogFileReader?
    private var groups = GroupTracker()
    private var isSkipping = false
    /// The last whole transaction that was read.
    private(set) var last: Position

    init(_ directory: String, after position: Position) throws(JournalProblem) {
        last = position
        let files = try BinlogFiles(directory)
        var first: Int?
        for index in files.paths.indices.reversed() where try BinlogFiles.historyBefore(files.paths[index]).end <= position {
            first = index
            break
        }
        guard let first else { throw .notInBinlog(directory: directory, position) }
        paths = files.paths[first...]
    }

    /// Whole transactions, some hundred kilobytes unless one is larger, up to `end`; empty when there are no more.
    func read(upTo end: Position) throws(JournalProblem) -> [UInt8] {
        var out: [UInt8] = []
        while last < end, out.count < Self.chunkBytes || groups.openGroup != nil {
            guard let event = try next() else { break }
            switch try event.step(&groups) {
            case .formatDescription: out += try event.format().served
            case .groupBegan(let gtid):
                isSkipping = gtid.sequence <= last.sequence || gtid.writer == nil
                if !isSkipping { out += event.bytes }
            case .groupContinued: if !isSkipping { out += event.bytes }
            case .groupEnded(let gtid):
                guard !isSkipping else { continue }
                out += event.bytes
                last = Position(gtid)
            case .ignored: break
            }
        }
        return out
    }

    private func next() throws(JournalProblem) -> BinlogFileReader.Event? {
        while true {
            if reader == nil {
                guard let path = paths.popFirst() else { return nil }
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

/// The binlog of this node's database, which is down, as frames for a link, up to where the journal goes on.
@LoopActor final class BinlogFileStream: LogStream {
    private static let queue = DispatchQueue(label: "ddbnode.binlog-files-ship")

    private let loop: EventLoop
    private let directory: String
    private let end: Position
    private let start: Position
    /// False pauses the stream until `resume()`.
    private let take: @LoopActor ([UInt8], Position) -> Bool
    private let failed: @LoopActor (String) -> Void
    private var cursor: BinlogFileCursor?
    private var isReading = false
    private var mayGoOn = true
    private var isClosed = false

    init(
        _ loop: EventLoop, directory: String, after position: Position, upTo end: Position, take: @escaping @LoopActor ([UInt8], Position) -> Bool,
        failed: @escaping @LoopActor (String) -> Void
    ) {
        self.loop = loop
        self.directory = directory
        self.end = end
        self.take = take
        self.failed = failed
        start = position
    }

    func resume() {
        mayGoOn = true
        pump()
    }

    private func pump() {
        guard !isClosed, !isReading, mayGoOn else { return }
        isReading = true
        let (directory, start, end, loop, old) = (directory, start, end, loop, cursor)
        Self.queue.async {
            let result: Result<(BinlogFileCursor, [UInt8]), JournalProblem>
            do throws(JournalProblem) {
                let cursor: BinlogFileCursor
                if let old { cursor = old } else { cursor = try BinlogFileCursor(directory, after: start) }
                result = .success((cursor, try cursor.read(upTo: end)))
            } catch {
                result = .failure(error)
            }
            loop.post { self.read(result) }
        }
    }

    private func read(_ result: Result<(BinlogFileCursor, [UInt8]), JournalProblem>) {
        isReading = false
        guard !isClosed else { return }
        switch result {
        case .failure(let problem):
            isClosed = true
            failed("\(problem)")
        case .success(let (cursor, events)):
            self.cursor = cursor
            guard !events.isEmpty else {
                isClosed = true
                return failed("the binlog's files end at \(cursor.last), before the journal's begin")
            }
            var frame: [UInt8] = []
            Frame.events(events).encode(into: &frame)
            mayGoOn = take(frame, cursor.last)
            pump()
        }
    }

    func close() { isClosed = true }
}
