import BinlogFormat
import ClusterModel
import Failover

/// Makes a journal of what a former master's database has logged since the place where its recovery begins.
///
/// The database is down, however it went. What it had committed is in its tables; of what comes behind, recovery will keep or roll back the one or the
/// other. The journal holds all of it, so that it can be cut and applied as any slave's. After a crash in the midst it is all done again.
struct BinlogImport {
    struct Outcome: Equatable, Sendable {
        /// What comes before the first transaction.
        let start: Position
        let end: Position
        let transactions: Int
        /// Of their events.
        let bytes: Int
    }

    private static let chunkBytes = 1 << 20

    private let files: JournalFiles
    private var last: Position
    private var transactions = 0
    private var bytes = 0
    private var groups = GroupTracker()
    /// What is not written yet: all of one writer, but for the transaction under way.
    private var gathered: [UInt8] = []
    private var wholeBytes = 0
    private var through: GTID?
    /// Of the transaction under way, so many are counted.
    private var openBytes = 0

    /// - Parameter mayHaveHoles: the machine went down since the binlog was written.
    static func run(from directory: String, into files: JournalFiles, mayHaveHoles: Bool = false) throws(JournalProblem) -> Outcome {
        let binlog = try BinlogFiles(directory, mayHaveHoles: mayHaveHoles)
        let paths = try binlog.sinceCheckpoint()
        guard let oldest = paths.first else { throw .noBinlog(directory: directory) }
        let history = try BinlogFiles.historyBefore(oldest)
        try files.startOver(after: history.end, history: history)
        var copy = BinlogImport(files, after: history.end)
        for path in paths { try copy.add(path, of: binlog, isNewest: path == paths.last) }
        if let problem = files.makeDurable() { throw problem }
        return Outcome(start: history.end, end: copy.last, transactions: copy.transactions, bytes: copy.bytes)
    }

    private init(_ files: JournalFiles, after position: Position) {
        self.files = files
        last = position
    }

    private mutating func add(_ path: String, of binlog: BinlogFiles, isNewest: Bool) throws(JournalProblem) {
        var copy = self
        defer { self = copy }
        try binlog.forEachEvent(of: path, isNewest: isNewest) { event throws(JournalProblem) in try copy.add(event, of: path) }
        // Its writer died within a transaction.
        try copy.dropOpenGroup()
        try copy.flush()
    }

    private mutating func add(_ event: BinlogFileReader.Event, of path: String) throws(JournalProblem) {
        switch try step(event) {
        case .formatDescription:
            try flush()
            try perform(.format(try event.format()))
        case .groupBegan(let gtid):
            guard gtid.domain == 0 else { throw .otherDomain(file: path, gtid) }
            guard gtid.sequence > last.sequence else { throw .goesBackwards(file: path, gtid, after: last) }
            guard last.isFollowed(by: gtid) else { throw event.damaged(.gap(gtid, after: last)) }
            if let through, through.server != gtid.server { try flush() }
            try gather(event.bytes)
        case .groupContinued:
            try gather(event.bytes)
        case .groupEnded(let gtid):
            try gather(event.bytes)
            through = gtid
            wholeBytes = gathered.count
            last = Position(gtid)
            transactions += 1
            bytes += openBytes
            openBytes = 0
        case .ignored: break
        }
    }

    /// A transaction that broke off is dropped, and what came instead of its end taken.
    private mutating func step(_ event: BinlogFileReader.Event) throws(JournalProblem) -> EventStep {
        do throws(JournalProblem) {
            return try event.step(&groups)
        } catch {
            guard case .damaged(_, let fault) = error, case .groupInterrupted = fault.error else { throw error }
            try dropOpenGroup()
            return try event.step(&groups)
        }
    }

    /// In pieces: one event may be larger than what should be held twice.
    private mutating func gather(_ event: ArraySlice<UInt8>) throws(JournalProblem) {
        openBytes += event.count
        var rest = event
        while !rest.isEmpty {
            if gathered.count >= Self.chunkBytes { try flush() }
            let piece = rest.prefix(Self.chunkBytes - gathered.count)
            gathered += piece
            rest = rest.dropFirst(piece.count)
        }
    }

    private mutating func flush() throws(JournalProblem) {
        guard !gathered.isEmpty else { return }
        try perform(.append(gathered, through: through, wholeBytes: wholeBytes))
        gathered.removeAll(keepingCapacity: true)
        wholeBytes = 0
        through = nil
    }

    private mutating func dropOpenGroup() throws(JournalProblem) {
        groups.reset()
        guard openBytes > 0 else { return }
        openBytes = 0
        gathered.removeLast(gathered.count - wholeBytes)
        try flush()
        try perform(.dropOpenGroup)
    }

    private func perform(_ command: JournalCommand) throws(JournalProblem) {
        if let problem = files.write([command], failures: files.failures) { throw problem }
    }
}
