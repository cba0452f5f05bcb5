/// What of a text runs again on every other node, and what it takes from its session, its server or chance.
package struct Repetition: Sendable, Equatable {
    package internal(set) var kinds: DefinitionKinds = []
    /// What the text alone shows, in order.
    package internal(set) var obstacles: [NotRepeatable] = []
    /// Settings in the text that matter to definitions, and can't be seen in the session before those run.
    package internal(set) var settings: [Setting] = []
    /// What is to be looked up in the server before the text runs.
    package internal(set) var looks: [TableLook] = []
    /// Where in the text of a CREATE TABLE that names no engine one can be named; nil where there is no such place.
    package internal(set) var engineAt: Int?

    package init() {}

    init(looks: [TableLook]) { self.looks = looks }

    package struct Setting: Sendable, Hashable {
        package enum Place: Sendable, Hashable {
            /// SET GLOBAL
            case server
            /// SET STATEMENT … FOR
            case statement
            /// In a body or a compound statement.
            case body
            /// A SET among other statements.
            case session
        }

        /// In lower case.
        package let name: String
        /// Nil where it is not written out.
        package let value: String?
        package let place: Place
    }

    mutating func formUnion(_ other: Repetition) {
        kinds.formUnion(other.kinds)
        for obstacle in other.obstacles where !obstacles.contains(obstacle) { obstacles.append(obstacle) }
        for setting in other.settings where !settings.contains(setting) { settings.append(setting) }
        for look in other.looks where !looks.contains(look) { looks.append(look) }
    }

    mutating func found(_ obstacle: NotRepeatable) {
        if !obstacles.contains(obstacle) { obstacles.append(obstacle) }
    }
}

/// A table that the server is asked about before a definition of it runs.
package struct TableLook: Sendable, Hashable {
    package enum Question: Sendable, Hashable {
        /// It has no rows.
        case isEmpty
        /// It has no rows, or InnoDB keeps them in the order of a key, which is the same on every node.
        case hasOrder
        /// It has a PRIMARY or UNIQUE key that is not among those named.
        case hasUniqueKey(besides: [[UInt8]])
        /// It has a UNIQUE key that is not among those named, or no SPATIAL one.
        case hasUniqueKeyIfSpatial(besides: [[UInt8]])
        /// It is not one of the session's temporary tables.
        case isPermanent
        /// None of its foreign keys changes its rows.
        case hasNoCascade
        /// It is not system-versioned.
        case isUnversioned
    }

    /// Nil: in the session's database.
    package let database: [UInt8]?
    package let table: [UInt8]
    package let question: Question
    /// What is wrong where the answer is no.
    package let otherwise: NotRepeatable
}
