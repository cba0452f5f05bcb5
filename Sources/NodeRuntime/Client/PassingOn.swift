import EventLoop
import LineProtocol
import StatementGate

/// What a slave's session passes on to the master, and what becomes of it.
extension ClientSession {
    func passOn(_ sql: [UInt8], _ what: Classification) {
        lastWasPassedOn = true
        forwardedSession().run(sql, id: id, account: local.account, database: local.database, consistency: consistency, format: writer.format) {
            [weak self] outcome in
            guard let self else { return }
            self.passedOn(outcome, what)
            switch outcome {
            case .replied(let reply):
                if reply.code == nil { self.forwarded?.ran(what) }
                self.noteForwardedLoss(outcome, under: what)
                self.finishRequest()
            case .refused(let error):
                self.noteForwardedLoss(outcome, under: what)
                self.answer(error)
            case .unreachable(let why):
                if self.attemptAgain(sql) { return }
                self.noteForwardedLoss(outcome, under: what)
                self.answer(ReplyError(.masterUnreachable, "the master can't be reached (\(why)), so this was not run; reads still work here"))
            case .lost(let cut):
                self.noteForwardedLoss(outcome, under: what)
                self.wasCut(cut)
            case .stateLost:
                self.noteForwardedLoss(outcome, under: what)
                self.answer(Self.stateLost)
            }
        }
    }

    private func wasCut(_ cut: ForwardedSession.Cut) {
        let error = ReplyError(
            .connectionLost,
            "the connection to the master broke and what the session held there is gone: whether this took effect is not known; look before you send it again"
        )
        switch cut {
        case .betweenParts: answer(error)
        case .betweenRows:
            channel.write { writer.rowsFailed(error, into: &$0) }
            finishRequest()
        // Whatever came now would be read as a part of the row.
        case .withinRow: channel.closeWhenSent()
        }
    }

    func forwardedSession() -> ForwardedSession {
        let session = forwarded ?? ForwardedSession(node, channel)
        forwarded = session
        return session
    }
}
