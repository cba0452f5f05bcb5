import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import StatementGate

/// Ids of transactions, and `.outcome`.
extension ClientSession {
    // MARK: Transactions of several statements

    /// Nothing but ROLLBACK is run: what is left of a transaction must not run without its id.
    var isStuck: Bool { local.stuck != nil || awaited != nil }

    /// What a statement is answered that is not run because of the one before. A client may have sent all at once, whatever became of the first.
    func obstacle(_ what: Classification) -> ReplyError? {
        if what.rollsBack {
            (local.stuck, awaited) = (nil, nil)
            return nil
        }
        if let error = local.stuck ?? awaited.map({ .idGone($0) }) { return error }
        if let id, what.begins || local.inTransaction && node.role == .master || forwarded?.hold.contains(.transaction) == true { awaited = id }
        return nil
    }

    /// What became of a statement on the master: that one's session looks after the id, as long as it is there.
    func passedOn(_ outcome: ForwardedSession.Outcome, _ what: Classification) {
        switch outcome {
        case .replied:
            awaited = nil
            carried = forwarded?.hold.contains(.transaction) == true ? id ?? carried : nil
        case .lost, .stateLost:
            if !what.endsTransaction { awaited = awaited ?? carried }
            carried = nil
        case .refused, .unreachable: break
        }
    }

    func forgetIDs() { (nextID, id, awaited, carried) = (nil, nil, nil, nil) }

    // MARK: .outcome

    func outcome(_ id: TransactionID) {
        switch node.role {
        case .master: node.outcomes.tell(id) { [weak self] in self?.answer($0) }
        case .slave:
            node.outcomes.find(id) { [weak self] result in
                guard let self, self.channel.isOpen else { return }
                // What is applied here is committed; of all else the master alone knows.
                if case .success(let found?) = result { return self.answer(.success(found)) }
                self.askMaster(id)
            }
        }
    }

    private func answer(_ result: Result<Outcome, ReplyError>) {
        switch result {
        case .success(let outcome): answer(outcome.fields)
        case .failure(let error): answer(error)
        }
    }

    private func askMaster(_ id: TransactionID) {
        // Two nodes that take each other for the master would ask each other for ever.
        guard !tellsHold else { return answer(ReplyError(.notMaster, "the master alone knows; it is at \(node.masterWords)")) }
        forwardedSession().ask(".outcome \(id)", account: local.account, format: writer.format) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .replied: self.finishRequest()
            case .refused(let error): self.answer(error)
            case .lost(.withinRow): self.channel.closeWhenSent()
            case .unreachable(let why): self.answer(Self.notKnown(why))
            case .lost, .stateLost: self.answer(Self.notKnown("the connection to it broke"))
            }
        }
    }

    private static func notKnown(_ why: String) -> ReplyError {
        ReplyError(.masterUnreachable, "the transaction is not applied here, and the master can't be asked (\(why)): its outcome is not known now")
    }
}
