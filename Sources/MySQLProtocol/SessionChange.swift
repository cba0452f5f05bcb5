package import ClusterModel

/// What the server tells of the session's changes, where the session has asked for it (`session_track_…`).
///
/// Source: https://mariadb.com/kb/en/ok_packet/#session-state-info
package struct SessionChange: Sendable, Equatable {
    /// The transaction that the statement committed.
    package var gtid: GTID?
    package var sqlMode: String?
    /// Other variables that the session has asked to be told of, with their values.
    package var variables: [String: String] = [:]
    /// The database that the session is in now; empty for none.
    package var schema: [UInt8]?
    /// Something of the session changed: a variable, a temporary table, a prepared statement, …
    package var isAny = false

    private enum Kind {
        static let systemVariables: UInt8 = 0
        static let schema: UInt8 = 1
        static let stateChange: UInt8 = 2
    }

    package init() {}

    init(payload: UnsafeRawBufferPointer) throws(ShortPayload) {
        var reader = PayloadReader(payload)
        while !reader.rest.isEmpty {
            let kind = try reader.integer(UInt8.self)
            var entry = PayloadReader(try reader.lengthEncodedString())
            switch kind {
            case Kind.systemVariables:
                while !entry.rest.isEmpty { note(try entry.lengthEncodedString(), try entry.lengthEncodedString()) }
            case Kind.schema: schema = [UInt8](try entry.lengthEncodedString())
            case Kind.stateChange: isAny = true
            default: break
            }
        }
    }

    private mutating func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        if name.elementsEqual("last_gtid".utf8) {
            gtid = GTID(ascii: value)
        } else if name.elementsEqual("sql_mode".utf8) {
            sqlMode = String(decoding: value, as: UTF8.self)
        } else {
            variables[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
    }
}
