import ClusterModel
import EventLoop
import LineProtocol
import NodeConfig
import StatementGate

/// What a session's reads promise: how new the data is.
extension ClientSession {
    /// Runs a read here once it keeps what the session was promised.
    func readHere(_ sql: [UInt8], _ what: Classification, succeeded: (@LoopActor () -> Void)? = nil) {
        guard consistency == .linearizable, !local.inTransaction else { return readFresh(sql, what, after: ownWrite, succeeded) }
        node.confirmedPosition { [weak self] result in
            guard let self, self.channel.isOpen else { return }
            switch result {
            case .failure(let error): if !self.attemptAgain(sql) { self.answer(error) }
            case .success(let position): self.readFresh(sql, what, after: max(position, self.ownWrite), succeeded)
            }
        }
    }

    private var ownWrite: Position { consistency == .local ? .start : forwarded?.lastWrite ?? .start }

    private func readFresh(_ sql: [UInt8], _ what: Classification, after position: Position, _ succeeded: (@LoopActor () -> Void)?) {
        if let most = maxStalenessMs, !local.inTransaction {
            let staleness = node.stalenessMs
            guard staleness.map({ $0 <= most }) ?? false else {
                let words = staleness.map { "its data may be \($0) ms old" } ?? "it has not heard of its master yet"
                return answer(
                    ReplyError(.staleRead, "this node can't promise reads at most \(most) ms old: \(words); try again, or read on the master"))
            }
        }
        read(after: position, sql, what, succeeded)
    }

    /// Runs a read once this node has applied `position`.
    private func read(after position: Position, _ sql: [UInt8], _ what: Classification, _ succeeded: (@LoopActor () -> Void)?) {
        guard node.applied.value < position else { return runHere(sql, what, succeeded: succeeded) }
        let limit = node.settings.session.readYourWritesMs
        appliedWait = node.applied.wait(for: position, milliseconds: limit) { [weak self] reached in
            guard let self else { return }
            self.appliedWait = nil
            if reached { return self.runHere(sql, what, succeeded: succeeded) }
            let have = self.node.applied.value
            let whose = self.consistency == .linearizable ? "what a linearizable read must see, up to" : "your write"
            self.answer(
                ReplyError(
                    .staleRead,
                    "\(whose) \(position) is not applied on this node after \(limit) ms (it has \(have)); try again or read on the master"))
        }
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
