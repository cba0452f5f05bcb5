/// One column of a result set, as MariaDB describes it.
package struct ColumnDefinition: Sendable, Equatable {
    package let name: [UInt8]
    /// The protocol's type number (`enum_field_types`).
    package let type: UInt8
    /// The protocol's flags (`UNSIGNED_FLAG`, `BINARY_FLAG`, …).
    package let flags: UInt16
    /// 63 is `binary`: for string types, bytes rather than text.
    package let charset: UInt16
    /// The longest value, in bytes.
    package let length: UInt32
    package let decimals: UInt8
}

/// How one result of a statement ended.
package struct StatementEnd: Sendable, Equatable {
    package var affected: UInt64 = 0
    package var insertID: UInt64 = 0
    package var warnings: UInt16 = 0
    package var status: ServerStatus = []
    package var session = SessionChange()
}

/// What the server says of the session with each end.
package struct ServerStatus: OptionSet, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let inTransaction = ServerStatus(rawValue: 0x0001)
    package static let autocommit = ServerStatus(rawValue: 0x0002)
    /// Another result of the same request follows.
    package static let moreResults = ServerStatus(rawValue: 0x0008)
    /// A `SessionChange` came along.
    package static let sessionChanged = ServerStatus(rawValue: 0x4000)
}

/// What the client's side has to know to talk COM_QUERY to a server.
///
/// Idle → (request sent) → awaiting → columns → rows → awaiting, while more results follow, or idle. The login must have agreed on
/// CLIENT_PROTOCOL_41 and CLIENT_DEPRECATE_EOF: the end of a result set then tells what an OK packet tells.
///
/// Sources: https://mariadb.com/kb/en/com_query/ https://mariadb.com/kb/en/result-set-packets/
package struct StatementReply: Sendable {
    /// What the packet was.
    package enum Step: Sendable, Equatable {
        /// A part of the columns' description: more must come before it means something.
        case partial
        /// The columns are known.
        case columns([ColumnDefinition])
        /// The payload is a row, as `RowFields` reads it.
        case row
        case ended(StatementEnd)
        case failed(ERRPacket)
        /// The packet makes no sense here: the connection can't be used any more.
        case unintelligible
    }

    /// CLIENT_DEPRECATE_EOF, which the login must ask for.
    package static let neededCapability: UInt = 1 << 24
    /// The longest payload of a reply: the largest `max_allowed_packet` that a server may have, and a little.
    package static let payloadBytesMax = (1 << 30) + (1 << 20)
    /// More than MariaDB allows; a list that is longer is no list of columns.
    private static let columnsMax: UInt64 = 1 << 16

    /// No error but a report of how far a long statement is: libmariadb's logins ask for them.
    private static let progressCode: UInt16 = 0xffff

    private enum State { case awaiting, columns(left: Int), rows }

    private var state = State.awaiting
    private var columns: [ColumnDefinition] = []
    private var columnCount = 0

    package init() {}

    /// A packet of the reply came.
    package mutating func received(_ payload: UnsafeRawBufferPointer) -> Step {
        guard let first = payload.first else { return .unintelligible }
        switch state {
        case .awaiting: return receivedHead(payload, first)
        case .columns(let left): return receivedColumn(payload, left: left)
        case .rows: return receivedRow(payload, first)
        }
    }

    private mutating func receivedHead(_ payload: UnsafeRawBufferPointer, _ first: UInt8) -> Step {
        if first == 0x00 { return ended(payload) }
        if first == 0xff { return failed(payload) }
        var reader = PayloadReader(payload)
        // 0xfb would ask for a local file, which the login ruled out; lengthEncodedInteger refuses it.
        guard let count = try? reader.lengthEncodedInteger(), (1...Self.columnsMax).contains(count), isFollowed(reader.rest) else {
            return .unintelligible
        }
        columnCount = Int(count)
        columns.removeAll(keepingCapacity: true)
        state = .columns(left: columnCount)
        return .partial
    }

    /// Where the login agreed that known columns need not be described again, a byte says whether they are: for COM_QUERY they always are.
    private func isFollowed(_ rest: UnsafeRawBufferPointer) -> Bool { rest.isEmpty || rest.elementsEqual([1]) }

    private mutating func receivedColumn(_ payload: UnsafeRawBufferPointer, left: Int) -> Step {
        if payload.first == 0xff { return failed(payload) }
        guard let column = try? ColumnDefinition(payload: payload) else { return .unintelligible }
        columns.append(column)
        state = left > 1 ? .columns(left: left - 1) : .rows
        guard left == 1 else { return .partial }
        defer { columns = [] }
        return .columns(columns)
    }

    private mutating func receivedRow(_ payload: UnsafeRawBufferPointer, _ first: UInt8) -> Step {
        // A row may begin with 0xfe, too, but only one that is longer than a packet.
        if first == 0xfe, payload.count < Packet.payloadBytesMax { return ended(payload) }
        if first == 0xff { return failed(payload) }
        return RowFields.isWhole(payload, count: columnCount) ? .row : .unintelligible
    }

    private mutating func ended(_ payload: UnsafeRawBufferPointer) -> Step {
        guard let end = try? StatementEnd(payload: payload) else { return .unintelligible }
        state = .awaiting
        return .ended(end)
    }

    private mutating func failed(_ payload: UnsafeRawBufferPointer) -> Step {
        guard let error = ERRPacket(payload: payload) else { return .unintelligible }
        guard error.code != Self.progressCode else { return .partial }
        state = .awaiting
        return .failed(error)
    }
}

extension ColumnDefinition {
    private static let fixedBytes = 12

    init(payload: UnsafeRawBufferPointer) throws(ShortPayload) {
        var reader = PayloadReader(payload)
        // Catalogue, schema, the table's alias, the table; the column's own name follows its alias.
        for _ in 0..<4 { _ = try reader.lengthEncodedString() }
        name = [UInt8](try reader.lengthEncodedString())
        // Counted from the end: what stands between depends on the extensions that the login agreed on.
        reader = PayloadReader(UnsafeRawBufferPointer(rebasing: reader.rest.suffix(Self.fixedBytes)))
        charset = try reader.integer(UInt16.self)
        length = try reader.integer(UInt32.self)
        type = try reader.integer(UInt8.self)
        flags = try reader.integer(UInt16.self)
        decimals = try reader.integer(UInt8.self)
    }
}

extension StatementEnd {
    /// An OK packet, under either of its first bytes.
    init(payload: UnsafeRawBufferPointer) throws(ShortPayload) {
        var reader = PayloadReader(payload)
        _ = try reader.integer(UInt8.self)
        affected = try reader.lengthEncodedInteger()
        insertID = try reader.lengthEncodedInteger()
        status = ServerStatus(rawValue: try reader.integer(UInt16.self))
        warnings = try reader.integer(UInt16.self)
        guard status.contains(.sessionChanged), !reader.rest.isEmpty else { return }
        _ = try reader.lengthEncodedString()
        guard !reader.rest.isEmpty else { return }
        session = try SessionChange(payload: try reader.lengthEncodedString())
    }
}

/// The fields of one row of the text protocol.
package enum RowFields {
    /// Calls `body` with each field in turn, nil for SQL NULL. The payload was a `.row`.
    @inline(__always)
    package static func forEach(_ payload: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> Void) {
        var offset = 0
        while offset < payload.count {
            guard payload[offset] != 0xfb else {
                offset += 1
                body(nil)
                continue
            }
            guard let field = field(payload, at: offset) else { return }
            body(UnsafeRawBufferPointer(rebasing: payload[field]))
            offset = field.upperBound
        }
    }

    /// Whether the payload is just so many fields.
    static func isWhole(_ payload: UnsafeRawBufferPointer, count: Int) -> Bool {
        var offset = 0
        var fields = 0
        while offset < payload.count {
            if payload[offset] == 0xfb {
                offset += 1
            } else {
                guard let field = field(payload, at: offset) else { return false }
                offset = field.upperBound
            }
            fields += 1
        }
        return fields == count
    }

    @inline(__always)
    private static func field(_ payload: UnsafeRawBufferPointer, at offset: Int) -> Range<Int>? {
        let first = payload[offset]
        guard first >= 0xfb else {
            let start = offset + 1
            let end = start + Int(first)
            return end <= payload.count ? start..<end : nil
        }
        return longField(payload, at: offset)
    }

    private static func longField(_ payload: UnsafeRawBufferPointer, at offset: Int) -> Range<Int>? {
        var reader = PayloadReader(UnsafeRawBufferPointer(rebasing: payload[offset...]))
        guard let bytes = try? reader.lengthEncodedString() else { return nil }
        let end = payload.count - reader.rest.count
        return end - bytes.count..<end
    }
}
