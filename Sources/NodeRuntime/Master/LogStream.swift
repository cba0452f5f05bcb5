import ClusterModel
import Dispatch
import EventLoop
import Replication

/// A log from one position on, as frames for a link.
@LoopActor protocol LogStream: AnyObject {
    /// Goes on after `take` returned false.
    func resume()
    func close()
}

extension BinlogStream: LogStream {}

/// Files of a log, read where that may wait, as frames for a link.
@LoopActor final class FileStream: LogStream {
    /// What was read: bare events, and the last whole transaction up to their end, where the reader knows it.
    struct Piece: Sendable {
        let events: [UInt8]
        var last: Position?
    }

    private static let queue = DispatchQueue(label: "ddbnode.log-ship")

    private let loop: EventLoop
    /// What is to be read next; nil: nothing more, for now.
    private let next: @LoopActor () -> (@Sendable () throws(JournalProblem) -> Piece)?
    /// False pauses the stream until `resume()`.
    private let take: @LoopActor (_ frame: [UInt8], _ last: Position?) -> Bool
    private let failed: @LoopActor (String) -> Void
    private var isReading = false
    private var mayGoOn = true
    private var isClosed = false

    init(
        _ loop: EventLoop, next: @escaping @LoopActor () -> (@Sendable () throws(JournalProblem) -> Piece)?,
        take: @escaping @LoopActor ([UInt8], Position?) -> Bool, failed: @escaping @LoopActor (String) -> Void
    ) {
        self.loop = loop
        self.next = next
        self.take = take
        self.failed = failed
    }

    /// All that there is was handed on.
    var isAtEnd: Bool { !isReading && next() == nil }

    /// There may be more.
    func pump() {
        guard !isClosed, !isReading, mayGoOn, let read = next() else { return }
        isReading = true
        let loop = loop
        Self.queue.async {
            let result: Result<Piece, JournalProblem>
            do throws(JournalProblem) { result = .success(try read()) } catch { result = .failure(error) }
            loop.post { self.read(result) }
        }
    }

    private func read(_ result: Result<Piece, JournalProblem>) {
        isReading = false
        guard !isClosed else { return }
        switch result {
        case .failure(let problem):
            isClosed = true
            failed("\(problem)")
        case .success(let piece):
            if !piece.events.isEmpty {
                var frame: [UInt8] = []
                Frame.events(piece.events).encode(into: &frame)
                mayGoOn = take(frame, piece.last)
            }
            pump()
        }
    }

    func resume() {
        mayGoOn = true
        pump()
    }

    func close() { isClosed = true }
}

extension FileStream {
    /// The journal from one position on: what a node that becomes master ships before its database has it.
    static func ofJournal(
        _ loop: EventLoop, _ journal: Journal, after position: Position, take: @escaping @LoopActor ([UInt8]) -> Bool,
        failed: @escaping @LoopActor (String) -> Void
    ) -> FileStream {
        let reader = JournalReader(directory: journal.directory, after: position)
        return FileStream(
            loop,
            next: {
                let index = journal.index
                guard reader.hasMore(in: index) else { return nil }
                return { () throws(JournalProblem) in
                    do throws(JournalReadProblem) { return Piece(events: try reader.read(index)) } catch { throw .unread(error) }
                }
            }, take: { frame, _ in take(frame) }, failed: failed)
    }

    /// The binlog files of this node's database, which is down, from one position on, up to where the journal goes on.
    static func ofBinlogFiles(
        _ loop: EventLoop, directory: String, after position: Position, upTo end: Position, take: @escaping @LoopActor ([UInt8], Position?) -> Bool,
        failed: @escaping @LoopActor (String) -> Void
    ) -> FileStream {
        let cursor = BinlogFileCursor(directory, after: position, upTo: end)
        return FileStream(loop, next: { { () throws(JournalProblem) in try cursor.read() } }, take: take, failed: failed)
    }
}
