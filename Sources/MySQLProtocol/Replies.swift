/// "Done": a statement that returns no rows succeeded.
///
/// Source: https://mariadb.com/kb/en/ok_packet/
package struct OKPacket: Sendable, Equatable {
    package var affectedRows: UInt64
    package var lastInsertID: UInt64
    package var status: UInt16
    package var warnings: UInt16

    /// The status bit of a session that commits each statement by itself.
    package static let autocommit: UInt16 = 0x0002

    package init(affectedRows: UInt64 = 0, lastInsertID: UInt64 = 0, status: UInt16 = autocommit, warnings: UInt16 = 0) {
        self.affectedRows = affectedRows
        self.lastInsertID = lastInsertID
        self.status = status
        self.warnings = warnings
    }

    /// Nil when `payload` is something else; text and session state after the fields are left out.
    package init?(payload: UnsafeRawBufferPointer) {
        var reader = PayloadReader(payload)
        guard (try? reader.integer(UInt8.self)) == 0, let rows = try? reader.lengthEncodedInteger(), let id = try? reader.lengthEncodedInteger(),
            let status = try? reader.integer(UInt16.self), let warnings = try? reader.integer(UInt16.self)
        else { return nil }
        self.init(affectedRows: rows, lastInsertID: id, status: status, warnings: warnings)
    }

    package var payload: [UInt8] {
        var bytes: [UInt8] = [0x00]
        bytes.append(lengthEncoded: affectedRows)
        bytes.append(lengthEncoded: lastInsertID)
        bytes.append(littleEndian: status)
        bytes.append(littleEndian: warnings)
        return bytes
    }
}

/// "Refused", with a number, a class of five characters and words.
///
/// Source: https://mariadb.com/kb/en/err_packet/
package struct ERRPacket: Sendable, Equatable, CustomStringConvertible {
    package var code: UInt16
    /// Five characters; HY000 where the sender gave none.
    package var state: String
    package var message: String

    /// The longest message that is sent or read, in bytes.
    package static let messageBytesMax = 512

    package init(code: UInt16, state: String, message: String) {
        self.code = code
        self.state = state
        self.message = message
    }

    /// Nil when `payload` is something else.
    package init?(payload: UnsafeRawBufferPointer) {
        var reader = PayloadReader(payload)
        guard (try? reader.integer(UInt8.self)) == 0xff, let code = try? reader.integer(UInt16.self) else { return nil }
        var state = "HY000"
        if reader.rest.first == UInt8(ascii: "#"), let marked = try? reader.bytes(6) {
            state = String(decoding: marked[1...], as: UTF8.self)
        }
        self.init(code: code, state: state, message: String(decoding: reader.rest.prefix(Self.messageBytesMax), as: UTF8.self))
    }

    package var payload: [UInt8] {
        var bytes: [UInt8] = [0xff]
        bytes.append(littleEndian: code)
        bytes.append(UInt8(ascii: "#"))
        bytes.append(contentsOf: state.utf8)
        bytes.append(contentsOf: message.utf8.prefix(Self.messageBytesMax))
        return bytes
    }

    package var description: String { "error \(code) (\(state)): \(message)" }
}

/// The end of a list of columns or rows, or of a dump that does not wait.
///
/// Source: https://mariadb.com/kb/en/eof_packet/
package enum EOFPacket {
    package static let payload: [UInt8] = [0xfe, 0x00, 0x00, 0x02, 0x00]

    /// True when `payload` is one: the same first byte on a longer payload means something else.
    package static func matches(_ payload: UnsafeRawBufferPointer) -> Bool { payload.first == 0xfe && payload.count < 9 }
}
