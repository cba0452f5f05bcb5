import ClusterModel
import LineProtocol
import MariaDBConnector

/// One request over a session's connection to the master: the client's own, or one that brings the connection to where the session is.
struct ForwardedStep {
    enum Purpose: Equatable {
        /// The first: this is a session that is passed on.
        case greeting
        case login
        case format(ReplyFormat)
        case database([UInt8])
        /// The next of the session's settings.
        case setting
        case consistency(ReadConsistency)
        /// Of the transaction that the statement belongs to.
        case id
        case statement
    }

    let purpose: Purpose
    let request: [UInt8]

    static func sql(_ sql: [UInt8], for purpose: Purpose) -> ForwardedStep {
        ForwardedStep(purpose: purpose, request: Array(".sql \(sql.count)\n".utf8) + sql + [UInt8(ascii: "\n")])
    }

    static func id(_ id: TransactionID) -> ForwardedStep { ForwardedStep(purpose: .id, request: Array(".id \(id)\n".utf8)) }

    static func consistency(_ consistency: ReadConsistency) -> ForwardedStep {
        ForwardedStep(purpose: .consistency(consistency), request: Array(".consistency \(consistency.rawValue)\n".utf8))
    }

    static func format(_ format: ReplyFormat) -> ForwardedStep {
        ForwardedStep(purpose: .format(format), request: Array(".format \(format.rawValue)\n".utf8))
    }
}

/// Where a session is, for its connection to the master to follow.
struct ForwardedGoal {
    /// Nil: the node's account for clients, which needs no login.
    let account: DatabaseAccount?
    let database: [UInt8]?
    let settings: [[UInt8]]
    /// What the master's reads promise.
    let consistency: ReadConsistency
    /// Of the client's own replies.
    let format: ReplyFormat
}

/// How far a connection to the master has followed its session.
struct ForwardedProgress {
    private var isGreeted = false
    private var format = ReplyFormat.tsv
    private var database: [UInt8]?
    private(set) var settings = 0
    private(set) var consistency = ReadConsistency.session

    /// What is still to be said before the client's statement. The replies to it are read here, so they are in the tsv form.
    func steps(to goal: ForwardedGoal) -> [ForwardedStep] {
        var moves: [ForwardedStep] = []
        if let wanted = goal.database, wanted != database { moves.append(.sql(SQLText.use(wanted), for: .database(wanted))) }
        moves += goal.settings[settings...].map { .sql($0, for: .setting) }
        // What else a read promises a slave alone can break.
        if (goal.consistency == .linearizable) != (consistency == .linearizable) { moves.append(.consistency(goal.consistency)) }
        var steps = isGreeted ? [] : Self.greeting(goal.account)
        let isRead = moves.isEmpty || format == .tsv
        if !isRead { steps.append(.format(.tsv)) }
        steps += moves
        if goal.format != (isRead ? format : .tsv) { steps.append(.format(goal.format)) }
        return steps
    }

    private static func greeting(_ account: DatabaseAccount?) -> [ForwardedStep] {
        let login = account.map { Array(".auth \($0.user) \($0.password)\n".utf8) }
        return [ForwardedStep(purpose: .greeting, request: Array(".forwarded\n".utf8))]
            + (login.map { [ForwardedStep(purpose: .login, request: $0)] } ?? [])
    }

    /// The master still knows who talks, and no more.
    mutating func lostState() {
        database = nil
        settings = 0
    }

    /// The master did what a step asked.
    mutating func succeeded(_ purpose: ForwardedStep.Purpose) {
        switch purpose {
        case .greeting: isGreeted = true
        case .format(let format): self.format = format
        case .database(let database): self.database = database
        case .setting: settings += 1
        case .consistency(let consistency): self.consistency = consistency
        case .login, .id, .statement: return
        }
    }
}
