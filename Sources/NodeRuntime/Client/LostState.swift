import LineProtocol
import StatementGate

/// What a session held in a database connection is gone, and its client may have sent more that counts on it.
///
/// A client may send a whole transaction at once. Where the connection breaks in the middle, the rest must not run by itself, each statement its own
/// transaction: it gets the same answer, until the client says that it knows.
struct LostState {
    enum Fate {
        case run
        /// In its place autocommit is switched off again, as the client believes it is.
        case switchAutocommitOff
        case refuse(ReplyError)
    }

    static let autocommitOff = Array("SET autocommit=0".utf8)

    /// A transaction was open or was to begin, or autocommit was off: it is over when the client says so.
    let awaitsRollback: Bool
    let wasAutocommitOff: Bool
    /// What the client was told.
    let code: ProtocolErrorCode
    /// The client's turn in which it was told: what came in that turn was sent before.
    let turn: UInt64

    /// What becomes of a statement; nil: one that the gate can't read.
    func fate(of what: Classification?, inTurn now: UInt64) -> Fate {
        if let what, what.rollsBack { return wasAutocommitOff ? .switchAutocommitOff : .run }
        guard now > turn else { return .refuse(refusal) }
        guard awaitsRollback else { return .run }
        switch what?.transaction {
        case .begin(readOnly: false)?: return wasAutocommitOff ? .switchAutocommitOff : .run
        case .begin(readOnly: true)?, .xa?: return wasAutocommitOff ? .refuse(refusal) : .run
        case .setAutocommit?: return .run
        case .commit?, .rollback?, .savepoint?, .rollbackToSavepoint?, .releaseSavepoint?, .setCharacteristics?, nil: return .refuse(refusal)
        }
    }

    private var refusal: ReplyError {
        awaitsRollback
            ? ReplyError(
                code, "the transaction that this belongs to is lost or was never begun; this was not run: send ROLLBACK, then begin it again")
            : ReplyError(
                code,
                "this was sent before you were told that the session's state is lost, so it was not run; look at the replies before, then send it again"
            )
    }
}

extension ClientSession {
    /// Notes what a statement that failed leaves lost. `gone`: what the session held in the connection that broke; `refused`: why this node did not run it.
    func noteLoss(_ gone: SessionHold, under what: Classification, _ code: ReplyError.Code?, isOpen: Bool = false) {
        // What is passed on comes one by one: the node that the client is connected to looks after it.
        guard !tellsHold else { return }
        let neverBegan = code != nil && !isOpen && what.opensTransaction
        var gone = gone
        if what.rollsBack { gone.remove(.transaction) }
        guard neverBegan || !gone.isEmpty else { return }
        let wasAutocommitOff = gone.contains(.autocommitOff) || neverBegan && what.transaction == .setAutocommit(false)
        let awaitsRollback = neverBegan || wasAutocommitOff || gone.contains(.transaction) && !what.endsTransaction
        var word = ProtocolErrorCode.connectionLost
        if case .node(let told)? = code { word = told }
        lost = LostState(awaitsRollback: awaitsRollback, wasAutocommitOff: wasAutocommitOff, code: word, turn: turn)
    }

    /// A statement failed on this node's own database.
    func noteLocalLoss(under what: Classification) {
        noteLoss(local.takeLost(), under: what, local.refusal, isOpen: !local.hold.isDisjoint(with: [.transaction, .autocommitOff]))
    }

    /// A statement was to be passed on, or was.
    func noteForwardedLoss(_ outcome: ForwardedSession.Outcome, under what: Classification) {
        guard let forwarded else { return }
        let isOpen = !forwarded.hold.isDisjoint(with: [.transaction, .autocommitOff])
        switch outcome {
        case .replied(let reply):
            // MariaDB's own errors say themselves what they leave, and it is as on a connection of its own.
            guard let word = reply.code, let code = ProtocolErrorCode(rawValue: word) else { return }
            noteLoss(forwarded.takeGone(), under: what, .node(code), isOpen: isOpen)
        case .refused(let error): noteLoss([], under: what, error.code, isOpen: isOpen)
        case .unreachable: noteLoss([], under: what, .node(.masterUnreachable))
        case .lost, .stateLost: noteLoss(forwarded.takeGone(), under: what, .node(.connectionLost))
        }
    }

    /// Answers a statement that this node does not run.
    func refuse(_ what: Classification, _ error: ReplyError) {
        noteLoss([], under: what, error.code, isOpen: !local.hold.isDisjoint(with: [.transaction, .autocommitOff]))
        answer(error)
    }
}

extension Classification {
    /// Whether what follows is meant to run in a transaction that this begins.
    fileprivate var opensTransaction: Bool {
        switch transaction {
        case .begin?, .setAutocommit(false)?, .xa?, .commit(chain: true)?, .rollback(chain: true)?: true
        case .commit(chain: false)?, .rollback(chain: false)?, .savepoint?, .rollbackToSavepoint?, .releaseSavepoint?, .setAutocommit(true)?,
            .setCharacteristics?, nil:
            false
        }
    }
}
