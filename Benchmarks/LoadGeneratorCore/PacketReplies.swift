/// Finds the ends of replies to COM_QUERY in MariaDB's packets, where the client did not ask to leave out the EOF packets.
///
/// A row of 16 MiB or more, which goes on in a second packet, is not told apart from two.
/// https://mariadb.com/kb/en/clientserver-protocol/
struct PacketReplies: Sendable {
    private enum Stage: Sendable {
        case first
        case columns
        case rows
    }

    private static let headerBytes = 4

    private var stage = Stage.first
    /// The packet's header, and the beginning of what follows it.
    private var head: [UInt8] = []
    /// Bytes of the packet that have not come yet; meaningless until its header is there.
    private var missing = 0
    /// The beginning of the last row.
    private var row: [UInt8] = []

    mutating func next(in bytes: UnsafeRawBufferPointer, from offset: inout Int) -> ReplyEnd? {
        while offset < bytes.count {
            guard takeHeader(bytes, &offset) else { return nil }
            let length = min(missing, bytes.count - offset)
            head.append(contentsOf: bytes[offset..<offset + min(length, headBytesMax - head.count)])
            offset += length
            missing -= length
            guard missing == 0 else { return nil }
            let reply = packetEnded()
            head.removeAll(keepingCapacity: true)
            if let reply { return reply }
        }
        return nil
    }

    /// True when the header is complete.
    private mutating func takeHeader(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        guard head.count < Self.headerBytes else { return true }
        while head.count < Self.headerBytes, offset < bytes.count {
            head.append(bytes[offset])
            offset += 1
        }
        missing = head.count < Self.headerBytes ? 0 : Int(head[0]) | Int(head[1]) << 8 | Int(head[2]) << 16
        return head.count == Self.headerBytes && (missing == 0 || offset < bytes.count)
    }

    private mutating func packetEnded() -> ReplyEnd? {
        let length = Int(head[0]) | Int(head[1]) << 8 | Int(head[2]) << 16
        guard length > 0 else { return .unintelligible }
        let kind = head[Self.headerBytes]
        let isEnd = kind == 0xFE && length < 9
        if kind == 0xFF { return failed() }
        switch stage {
        case .first:
            if kind == 0 { return .ok }
            guard kind < 0xFB else { return .unintelligible }
            stage = .columns
        case .columns:
            if isEnd { stage = .rows }
        case .rows:
            if isEnd {
                stage = .first
                return .ok
            }
            row.removeAll(keepingCapacity: true)
            row.append(contentsOf: head.dropFirst(Self.headerBytes))
        }
        return nil
    }

    /// An error: its number (two bytes), then a mark and the SQLSTATE, then words.
    private mutating func failed() -> ReplyEnd {
        stage = .first
        let payload = head.dropFirst(Self.headerBytes)
        guard payload.count >= 3 else { return .unintelligible }
        let number = Int(head[5]) | Int(head[6]) << 8
        return .failed("\(number) " + String(decoding: payload.dropFirst(4), as: UTF8.self))
    }

    /// Of a column of up to 250 bytes, whose length is one byte.
    var lastValue: String {
        guard let length = row.first, length <= 250 else { return "" }
        return String(decoding: row.dropFirst().prefix(Int(length)), as: UTF8.self)
    }
}
