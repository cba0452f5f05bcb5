/// What a statement does, as far as the roles differ about it.
package enum StatementClass: Int, CaseIterable, Hashable, Sendable {
    /// Reads, and leaves no trace.
    case read
    /// Reads, but takes locks or moves a sequence on.
    case lockingRead
    case write
    case tableDefinition
    /// Takes tables, views, columns, partitions or routines away.
    case drop
    case databaseDefinition
    case accounts
    case transaction
    /// Changes the session it runs in, and no data.
    case session
    /// Would cut the node off from what it replicates.
    case breaksReplication
    case serverAdministration
    case serverFiles
    /// Dynamic SQL whose text isn't known before it runs.
    case opaque

    static let byRank = allCases.sorted { $0.rank < $1.rank }

    /// The order in which one class of several names the whole: the higher, the more it can do.
    package var rank: Int {
        switch self {
        case .read: 0
        case .session: 1
        case .transaction: 2
        case .lockingRead: 3
        case .write: 4
        case .tableDefinition: 5
        case .drop: 6
        case .databaseDefinition: 7
        case .accounts: 8
        case .serverAdministration: 9
        case .opaque: 10
        case .serverFiles: 11
        case .breaksReplication: 12
        }
    }
}

/// The classes of all that was found in a text.
package struct StatementClasses: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package init(_ statementClass: StatementClass) { rawValue = 1 << UInt16(statementClass.rawValue) }

    package func contains(_ statementClass: StatementClass) -> Bool { contains(StatementClasses(statementClass)) }

    package mutating func insert(_ statementClass: StatementClass) { formUnion(StatementClasses(statementClass)) }

    /// The members, in the order of the cases.
    package var all: [StatementClass] { StatementClass.allCases.filter { contains($0) } }

    /// The member of the highest rank; `.read` for none.
    package var highest: StatementClass {
        if rawValue == 1 { return .read }
        return all.max { $0.rank < $1.rank } ?? .read
    }
}
