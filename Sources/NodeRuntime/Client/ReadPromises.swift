import ClusterModel
import EventLoop
import LineProtocol
import NodeConfig
import StatementGate

/// The master was sure, after these requests had come, that it led, and had acknowledged that much.
struct ReadConfirmation {
    /// Up to here a read must see.
    let position: Position
    /// The number of the last request that had come when it was asked: later ones need one of their own.
    let received: UInt64
    /// How often the node's role had changed.
    let roleChanges: Int

    func covers(_ request: UInt64, roleChanges: Int) -> Bool { request <= received && roleChanges == self.roleChanges }
}

/// What a session's reads promise: how new the data is.
extension ClientSession {
    /// Runs a read here once it keeps what the session was promised.
    func readHere(_ sql: [UInt8], _ what: Classification, succeeded: (@LoopActor () -> Void)? = nil) {
        guard consistency == .linearizable else { return readFresh(sql, what, after: ownWrite, succeeded) }
        if let confirmation, confirmation.covers(queue.begun, roleChanges: node.roleChanges) {
            return readFresh(sql, what, after: max(confirmation.position, ownWrite), succeeded)
        }
        let (received, roleChanges) = (queue.received, node.roleChanges)
        node.confirmedPosition { [weak self] result in
            guard let self, self.channel.isOpen else { return }
            guard self.node.roleChanges == roleChanges else { return self.attempt(sql) }
            switch result {
            case .failure(let error): if !self.attemptAgain(sql) { self.answer(error) }
            case .success(let position):
                self.confirmation = ReadConfirmation(position: position, received: received, roleChanges: roleChanges)
                self.readFresh(sql, what, after: max(position, self.ownWrite), succeeded)
            }
        }
    }

    /// The next request, a read, may run together with the one at hand: what that one waited for counts for it, too.
    var mayJoinNext: Bool {
        consistency != .linearizable || confirmation?.covers(queue.begun + 1, roleChanges: node.roleChanges) ?? false
    }

    private var ownWrite: Position { consistency == .local ? .start : forwarded?.lastWrite ?? .start }

    /// Runs a read once this node has applied `position`, if it is new enough then.
    private func readFresh(_ sql: [UInt8], _ what: Classification, after position: Position, _ succeeded: (@LoopActor () -> Void)?) {
        guard node.applied.value < position else { return readIfFresh(sql, what, succeeded) }
        let (limit, roleChanges) = (node.settings.session.readYourWritesMs, node.roleChanges)
        appliedWait = node.applied.wait(for: position, milliseconds: limit) { [weak self] reached in
            guard let self else { return }
            self.appliedWait = nil
            guard self.node.roleChanges == roleChanges else { return self.attempt(sql) }
            if reached { return self.readIfFresh(sql, what, succeeded) }
            let have = self.node.applied.value
            let whose = self.consistency == .linearizable ? "what a linearizable read must see, up to" : "your write"
            self.answer(
                ReplyError(
                    .staleRead,
                    "\(whose) \(position) is not applied on this node after \(limit) ms (it has \(have)); try again or read on the master"))
        }
    }

    private func readIfFresh(_ sql: [UInt8], _ what: Classification, _ succeeded: (@LoopActor () -> Void)?) {
        if let most = maxStalenessMs, !local.inTransaction {
            let staleness = node.stalenessMs
            guard staleness.map({ $0 <= most }) ?? false else {
                let words = staleness.map { "its data may be \($0) ms old" } ?? "it has not heard of its master yet"
                return answer(
                    ReplyError(.staleRead, "this node can't promise reads at most \(most) ms old: \(words); try again, or read on the master"))
            }
        }
        runHere(sql, what, succeeded: succeeded)
    }

    /// `.wait`
    func wait(for position: Position, _ milliseconds: UInt64?) {
        let limit = Int(clamping: min(milliseconds ?? 60_000, 86_400_000))
        appliedWait = node.applied.wait(for: position, milliseconds: limit) { [weak self] reached in
            guard let self else { return }
            self.appliedWait = nil
            if reached, self.node.hasTakenBack(position) {
                let words = "there is another transaction in the place of \(position): that one was taken back when the master changed"
                return self.answer(ReplyError(.waitTimeout, words))
            }
            if reached { return self.answer([.text("gtid", self.node.applied.value.description)]) }
            self.answer(
                ReplyError(
                    .waitTimeout, "this node has applied \(self.node.applied.value), not yet \(position), after \(limit) ms; .status tells why"))
        }
    }
}

extension Classification {
    private static let showsNothing: StatementClasses = [
        StatementClasses(.write), StatementClasses(.tableDefinition), StatementClasses(.drop), StatementClasses(.databaseDefinition),
        StatementClasses(.accounts),
    ]

    /// Whether its reply may tell what is in the database without waiting for a commit, as a read's, a locking read's and a procedure's do.
    var mayShowData: Bool {
        transaction == nil && (!classes.isSubset(of: Self.showsNothing) || !facts.isDisjoint(with: [.callsRoutine, .executesPrepared]))
    }
}
