package import ClusterModel

/// The way of a node from its election to serving clients, and back.
///
///     shipping ──marker committed──► applying ──applied──► opening ──opened──► serving
///        └──────────┴─ lost, failed: followed by nothing ────┴─ lost, failed: the database restarts as a slave
package struct Takeover: Equatable, Sendable {
    package enum Phase: Equatable, Sendable {
        /// The journal's tail and the marker are on their way to a quorum.
        case shipping
        /// The database applies them.
        case applying
        /// Full durability, the commit gate armed, no longer read-only: some SQL.
        case opening
        case serving
        case ended
    }

    package enum Action: Equatable, Sendable {
        /// Behind the journal's tail, in the journal.
        case appendMarker(GTID)
        /// Send the journal, from where each follower is, to all of them.
        case shipJournal
        /// Let the database apply the journal up to here.
        case apply(through: Position)
        /// Restore full durability, arm the commit gate, make this the `server_id` that writes, open.
        case open(server: UInt32)
        /// Clients may come.
        case serve
        /// Move the un-committed tail of the binlog to the journal, then restart the database as a slave, which rolls it back.
        case restartAsSlave
        /// Give up the epoch: tell the election.
        case resign(StepDown)
    }

    package let epoch: Epoch
    /// The epoch's first entry: when it is committed, so is everything before it.
    package let marker: GTID
    package private(set) var phase = Phase.shipping

    /// This node won `epoch`; its log ends at `logEnd`. Nil when the epoch is beyond what a `server_id` can name.
    package static func begun(_ epoch: Epoch, own: NodeID, logEnd: Position) -> (Takeover, [Action])? {
        guard let writer = WriterID(epoch: epoch, node: own) else { return nil }
        let takeover = Takeover(epoch: epoch, marker: GTID(domain: 0, server: writer.server, sequence: logEnd.sequence + 1))
        // Rule 2: the tail is not applied yet; it may still be cut by another leader.
        return (takeover, [.appendMarker(takeover.marker), .shipJournal])
    }

    private init(epoch: Epoch, marker: GTID) {
        self.epoch = epoch
        self.marker = marker
    }

    /// Enough nodes hold everything up to `position`.
    package mutating func watermarkMoved(to position: Position) -> [Action] {
        // Rule 2, and rule 4 for a master that restarts: nobody is served before the whole tail is on a quorum under the new epoch.
        guard phase == .shipping, position.sequence >= marker.sequence else { return [] }
        phase = .applying
        return [.apply(through: Position(marker))]
    }

    /// The database has applied everything up to `position`.
    package mutating func applied(to position: Position) -> [Action] {
        guard phase == .applying, position.sequence >= marker.sequence else { return [] }
        phase = .opening
        return [.open(server: marker.server)]
    }

    /// The database takes writes, each behind the gate.
    package mutating func opened() -> [Action] {
        guard phase == .opening else { return [] }
        phase = .serving
        return [.serve]
    }

    /// The database died, or would not apply or open.
    package mutating func databaseFailed() -> [Action] {
        guard phase != .ended else { return [] }
        return end() + [.resign(.databaseFailed)]
    }

    /// The election said `stopLeading`.
    package mutating func leadershipLost() -> [Action] { phase == .ended ? [] : end() }

    private mutating func end() -> [Action] {
        let mayHaveWritten = phase == .opening || phase == .serving
        phase = .ended
        // Rule 4: commits that wait are taken back, not let through. Before it opened, the database was a slave all along.
        return mayHaveWritten ? [.restartAsSlave] : []
    }

    /// Whether a linearizable read that came at `arrivedMs` may be answered now. `confirmedMs`: the election's.
    package func mayAnswerRead(arrivedMs: Int, confirmedMs: Int?) -> Bool {
        // Rule 5: a majority followed still after it came, so no later leader had acknowledged anything by then.
        phase == .serving && (confirmedMs.map { $0 > arrivedMs } ?? false)
    }
}
