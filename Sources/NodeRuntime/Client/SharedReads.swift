import EventLoop
import LineProtocol
import MariaDBConnector
import StatementGate

/// Reads of a session that share a connection with others'.
extension LocalSession {
    func mayShare(_ statement: LocalStatement) -> Bool {
        statement.mayRetry && !asksAfterwards && isFastRead(statement.what) && node.lanes.isOpen(account: account, database: database)
    }

    private func isFastRead(_ what: Classification) -> Bool { what.isPlainRead && node.kinds.isFast(what.shape) }

    /// Runs a short read together with others', and those that the client sent behind it: see `StatementLanes`.
    func share(_ first: LocalStatement) {
        var together = [first]
        while together.count < Self.togetherMax, let next = nextRead?({ [self] in isFastRead($0) }) { together.append(next) }
        let statements = together
        let started = LaneJob(statements.indices.map { LaneJob.Statement(statements[$0].sql, stream(statements, $0)) }) { [self] error in
            guard job != nil else { return }
            job = nil
            for statement in statements { refuse(statement, PoolWords.reply(error, node)) }
        }
        job = started
        lastShared = together[together.count - 1].what.shape
        hasRun = true
        node.lanes.run(started, account: account, database: database)
    }

    private static let togetherMax = 16

    private func stream(_ statements: [LocalStatement], _ index: Int) -> ReplyStream {
        var statement = statements[index]
        statement.began(channel)
        return ReplyStream(
            channel, statement.writer, ReplyStream.Kind(), applied: { [node] in node.applied.value }, inTransaction: { false }
        ) { [self] stream, end in
            guard let job else { return }
            let isLast = index == statements.count - 1
            if isLast { self.job = nil }
            // On a busy machine a lane may stall through no fault of the statement's; one that took long is at fault.
            if job.stalled == index, EventLoop.now() - statement.beganAt > Self.longNanoseconds {
                node.kinds.unfit(statement.what.shape)
            } else if index == 0, job.hadLaneAlone, job.stalled == nil {
                learn(statement, stream, end)
            }
            shared(end, stream, statement)
            if isLast { runAgain() }
        }
    }

    /// Those of the last job that were never sent, in order.
    private func runAgain() {
        guard !unsent.isEmpty else { return }
        let statement = unsent.removeFirst()
        var again = LocalStatement(statement.sql, statement.what, statement.writer) { [self] success in
            statement.done(success)
            runAgain()
        }
        again.mayRetry = false
        run(again)
    }

    private static let longNanoseconds: UInt64 = 200_000_000

    /// Notes whether a read of this kind may run together with others'.
    func learn(_ statement: LocalStatement, _ stream: ReplyStream, _ end: ReplyStream.End) {
        guard case .done(let summary) = end, statement.what.isPlainRead else { return }
        guard summary.warnings == 0, stream.gtid == nil, !stream.changedSession else { return node.kinds.unfit(statement.what.shape) }
        node.kinds.ran(
            statement.what.shape, nanoseconds: EventLoop.now() - statement.beganAt, neighbours: node.pool.inUse,
            replyBytes: channel.writtenTotal - statement.beganAtByte)
    }

    private func shared(_ end: ReplyStream.End, _ stream: ReplyStream, _ statement: LocalStatement) {
        switch end {
        case .done(let summary):
            if let gtid = stream.gtid {
                node.committed(gtid)
                lastGTID = gtid
            }
            stream.close(summary)
            statement.done(true)
        case .failed(let error) where error.lostConnection && error.number == Self.neverSent && !stream.hasWritten: unsent.append(statement)
        case .failed(let error):
            stream.fail(error.lostConnection ? .lostLocally(error, hadState: false) : error.reply)
            statement.done(false)
        }
    }
}
