import EventLoop
import LineProtocol

/// `.verify` and its answer.
extension ClientSession {
    func verify(_ scope: VerifyScope) {
        if let error = node.notReady { return answer(error) }
        ifReader(of: scope) { [self] error in
            if let error { answer(error) } else { beginVerifying(scope) }
        }
    }

    private func beginVerifying(_ scope: VerifyScope) {
        verification = node.verifier.begin(scope) { [weak self] outcome in
            guard let self else { return }
            self.verification = nil
            if let error = outcome.error { return self.answer(error) }
            self.channel.write { self.writer.table(VerifyOutcome.columns, outcome.rows, gtid: outcome.position, into: &$0) }
            self.finishRequest()
        }
        if verification == nil { answer(ReplyError(.verifyRunning, "this node is verifying already; .status tells how far it is")) }
    }
}
