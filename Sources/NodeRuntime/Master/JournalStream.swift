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

/// The journal from one position on, as frames for a link: what a node that becomes master ships before its database has it.
@LoopActor final class JournalStream: LogStream {
    private static let queue = DispatchQueue(label: "ddbnode.journal-ship")

    private let loop: EventLoop
    private let journal: Journal
    private let reader: JournalReader
    /// False pauses the stream until `resume()`.
    private let take: @LoopActor ([UInt8]) -> Bool
    private let failed: @LoopActor (String) -> Void
    private var isReading = false
    private var mayGoOn = true
    private var isClosed = false

    init(
        _ loop: EventLoop, _ journal: Journal, after position: Position, take: @escaping @LoopActor ([UInt8]) -> Bool,
        failed: @escaping @LoopActor (String) -> Void
    ) {
        self.loop = loop
        self.journal = journal
        self.take = take
        self.failed = failed
        reader = JournalReader(directory: journal.directory, after: position)
    }

    /// All of the journal is handed on.
    var isAtEnd: Bool { !isReading && !reader.hasMore(in: journal.index) }

    /// There may be more of it.
    func pump() {
        guard !isClosed, !isReading, mayGoOn, reader.hasMore(in: journal.index) else { return }
        isReading = true
        let (reader, index, loop) = (reader, journal.index, loop)
        Self.queue.async {
            let result: Result<[UInt8], JournalReadProblem>
            do throws(JournalReadProblem) { result = .success(try reader.read(index)) } catch { result = .failure(error) }
            loop.post { self.read(result) }
        }
    }

    private func read(_ result: Result<[UInt8], JournalReadProblem>) {
        isReading = false
        guard !isClosed else { return }
        switch result {
        case .failure(let problem):
            isClosed = true
            failed("\(problem)")
        case .success(let events):
            if !events.isEmpty {
                var frame: [UInt8] = []
                Frame.events(events).encode(into: &frame)
                mayGoOn = take(frame)
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
