/// The statements a session has prepared, so that EXECUTE can be sorted. Names are compared as MariaDB does, without regard to ASCII case.
package struct PreparedStatements: Sendable, Equatable {
    /// Names remembered. A name beyond that is forgotten, which makes its EXECUTE opaque.
    package static let countMax = 1024

    private var statements: [[UInt8]: Classification] = [:]

    package init() {}

    package var isEmpty: Bool { statements.isEmpty }

    /// What EXECUTE of the name would do; nil for a name not known.
    package func statement(named name: [UInt8]) -> Classification? {
        statements.isEmpty ? nil : statements[Self.key(name)]
    }

    /// Call once a text has run without an error.
    package mutating func applied(_ classification: Classification) {
        for preparation in classification.preparations { apply(preparation) }
    }

    mutating func apply(_ preparation: Classification.Prepared) {
        let key = Self.key(preparation.name)
        guard let statement = preparation.statement else {
            statements[key] = nil
            return
        }
        if statements[key] != nil || statements.count < Self.countMax { statements[key] = statement }
    }

    private static func key(_ name: [UInt8]) -> [UInt8] { name.map(lowercased) }
}
