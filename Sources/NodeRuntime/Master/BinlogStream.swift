import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import MariaDBConnector
import NodeConfig
import Replication

/// The master's binlog from one position on, as frames for the link; a tap that is lost is opened again where it was.
@LoopActor final class BinlogStream: TurnEndWork {
    /// Who gets it.
    struct Reader {
        /// False pauses the stream until `resume()`.
        let take: @LoopActor (_ frame: [UInt8], _ last: Position, _ isOpen: Bool) -> Bool
        /// Told of each whole transaction; true ends the stream behind it.
        var isEnough: @LoopActor (Position) -> Bool = { _ in false }
        /// Commits wait for `release(upTo:)`.
        var holdsCommits = false
        /// What is written comes before the database has synced it.
        var readsAhead: @LoopActor () -> Bool = { false }
        /// The database has everything up to there on its disk.
        var synced: @LoopActor (Position) -> Void = { _ in }
        /// Whether the database is set up for it.
        var mayBegin: @LoopActor () -> Bool = { true }
        /// The master's binlog does not hold what comes next, or can't be shipped.
        let gone: @LoopActor (String) -> Void
    }

    private static let batchBytes = 64 << 10
    private static let retryMs = 250
    /// Beyond this rate a pause behind each batch makes the next one larger: what a batch costs, it costs on every node.
    private static let gathersFromPerSecond = 1000
    private static let gatherMs = 5

    private unowned let node: Node
    private let serverID: UInt32
    private var reader: Reader?
    private var tap: BinlogTap?
    private var groups = GroupTracker()
    private var places = CommitPlaces()
    /// Everything up to here was released.
    private var released = Position.start
    private var batch = EventsFrame()
    private var isFlushAsked = false
    private var mayGoOn = true
    private let gathers: Bool
    private var rate = EventRate()
    private var isGathering = false
    private var retry: TimerID?
    private let first: Position
    /// Where the tap at hand began.
    private var start = Position.start
    /// The last whole transaction that was read.
    private(set) var last: Position
    private var tail: BinlogTail?
    private var mayReadAhead = true
    /// The last whole transaction that the database sent, and so has synced; and the last one that the reader knows of to be that.
    private var (synced, told) = (Position.start, Position.start)
    /// The newest description of the events' format.
    private(set) var format: [UInt8] = []

    /// `serverID` must be unlike that of any other reader of the database. `gathers`: made for one who has what came so far.
    init(_ node: Node, after position: Position, serverID: UInt32, gathers: Bool, _ reader: Reader) {
        self.node = node
        self.serverID = serverID
        self.gathers = gathers
        self.reader = reader
        first = position
        last = position
        begin()
    }

    private func begin() {
        guard let reader, let target = node.administratorTarget, reader.mayBegin() else { return beginLater() }
        groups.reset()
        places.reset()
        tail?.leave()
        mayGoOn = true
        // What waits is asked for again only by who reads it again.
        start = reader.holdsCommits ? min(last, max(released, first)) : last
        tap = BinlogTap(
            node.loop, target, after: start, serverID: serverID, name: "ddbnode-feed-\(serverID)", semiSync: reader.holdsCommits
        ) { [weak self] event, wantsAck in
            self?.take(event, wantsAck) ?? false
        } ended: { [weak self] end in
            self?.tapEnded(end)
        }
    }

    private func beginLater() {
        guard reader != nil else { return }
        retry = node.loop.after(milliseconds: Self.retryMs) { [weak self] in self?.begin() }
    }

    private func take(_ event: UnsafeRawBufferPointer, _ wantsAck: Bool) -> Bool {
        places.passed(event)
        do throws(BinlogError) {
            return try judge(event, wantsAck)
        } catch .groupInterrupted {
            // The database died while it wrote that transaction; its recovery began a new file. The slave drops the part it has.
            do throws(BinlogError) { return try judge(event, wantsAck) } catch { return refuse(error) }
        } catch {
            return refuse(error)
        }
    }

    private func judge(_ event: UnsafeRawBufferPointer, _ wantsAck: Bool) throws(BinlogError) -> Bool {
        let step = try groups.received(event)
        if let again = readAgain(step, wantsAck) { return again }
        switch step {
        case .ignored: return true
        case .groupBegan(let gtid):
            try follow(gtid)
            return append(event)
        case .groupContinued: return append(event)
        case .formatDescription:
            var frame = EventsFrame()
            frame.append(event)
            format = frame.take()
            return append(event)
        case .groupEnded(let gtid):
            last = Position(gtid)
            isSynced(last)
            if wantsAck { waits(last) }
            rate.count(nowMs: EventLoop.nowMs())
            let goesOn = append(event)
            guard reader?.isEnough(last) ?? true else { return goesOn }
            flush()
            close()
            return false
        }
    }

    /// The database gives out consecutive numbers; where it was told to leave some out, what is between is in no binlog.
    private func follow(_ gtid: GTID) throws(BinlogError) {
        // Of another domain the slaves say what is wrong.
        guard gtid.domain == 0, !last.isFollowed(by: gtid) else { return }
        let gap = BinlogError.gap(gtid, after: last)
        // Commits wait for this one: the slaves refuse it, and hear of the gap from streams of their own.
        guard reader?.holdsCommits ?? false else { throw gap }
        node.log.error("the binlog has a gap, which no slave takes", ["why": gap.description])
    }

    /// What was read before the tap was lost, or ahead of it; nil: it is new.
    private func readAgain(_ step: EventStep, _ wantsAck: Bool) -> Bool? {
        let gtid: GTID? =
            switch step {
            case .groupEnded(let gtid): gtid
            case .groupBegan, .groupContinued: groups.openGroup
            case .ignored, .formatDescription: nil
            }
        guard let gtid, gtid.sequence > start.sequence, gtid.sequence <= last.sequence else { return nil }
        if case .groupEnded = step {
            isSynced(Position(gtid))
            if wantsAck { waits(Position(gtid)) }
        }
        return true
    }

    private func isSynced(_ position: Position) {
        synced = position
        if tail == nil, reader?.readsAhead() ?? false { beginTail() }
        tail?.sent(upTo: places.place, isAll: position == last)
        askTurnEnd()
    }

    private func beginTail() {
        guard mayReadAhead else { return }
        do throws(SystemError) {
            try node.directory.keepReadAhead()
            tail = try BinlogTail(node.loop, directory: node.directory.path + "/mariadb") { [weak self] in self?.readAhead() }
        } catch {
            mayReadAhead = false
            node.log.warning("slaves get transactions only once this node's disk has them", ["why": "\(error)"])
        }
    }

    /// A transaction that was begun is not yet read to its end.
    private var isWithin: Bool { groups.openGroup.map { $0.sequence > last.sequence } ?? false }

    /// Reads what the database has not sent yet.
    private func readAhead() {
        guard let tail, let reader, mayGoOn, !isWithin, reader.readsAhead() else { return }
        tail.read { gtid, events in
            guard last.isFollowed(by: gtid) else { return }
            last = Position(gtid)
            _ = append(events)
        }
    }

    /// The database's commit of this transaction waits.
    private func waits(_ position: Position) {
        places.waits(position)
        if position <= released { release(upTo: released) }
    }

    /// Enough nodes hold everything up to `position`: what waits for it is committed.
    func release(upTo position: Position) {
        released = max(released, position)
        if let place = places.release(upTo: released) { tap?.acknowledge(place) }
    }

    private func append(_ event: UnsafeRawBufferPointer) -> Bool {
        batch.append(event)
        if batch.eventBytes >= Self.batchBytes { flush() } else { askTurnEnd() }
        return mayGoOn
    }

    private func askTurnEnd() {
        guard !isFlushAsked else { return }
        isFlushAsked = true
        node.loop.atTurnEnd(self)
    }

    /// Nothing after the hole may reach a slave, so the stream ends here.
    private func refuse(_ error: BinlogError) -> Bool {
        flush()
        let gone = reader?.gone
        close()
        node.log.error("the binlog can't be shipped", ["error": error.description])
        gone?(error.description)
        return false
    }

    func turnEnded() {
        isFlushAsked = false
        flush()
        if told < synced {
            told = synced
            reader?.synced(synced)
        }
        guard gathers, !isGathering, rate.perSecond >= Self.gathersFromPerSecond else { return }
        isGathering = true
        tap?.pause()
        node.loop.after(milliseconds: Self.gatherMs) { [weak self] in
            self?.isGathering = false
            self?.goOn()
        }
    }

    private func flush() {
        guard batch.eventBytes > 0, let reader else { return }
        let compresses = node.settings.replication.compression
        mayGoOn = reader.take(compresses ? batch.take(Compression.deflated) : batch.take(), last, isWithin)
    }

    private func tapEnded(_ end: TapEnd) {
        tap = nil
        switch end {
        case .positionGone(let words):
            let gone = reader?.gone
            close()
            gone?(words)
        case .lost(let why), .refused(let why):
            node.log.info("feed interrupted", ["reader": "\(serverID)", "why": why])
            beginLater()
        }
    }

    /// Goes on after `take` returned false.
    func resume() {
        mayGoOn = true
        goOn()
    }

    private func goOn() {
        if mayGoOn, !isGathering { tap?.resume() }
    }

    func close() {
        reader = nil
        tail?.close()
        node.loop.cancel(retry)
        tap?.close()
        tap = nil
    }
}
