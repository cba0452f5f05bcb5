package import ClusterModel

/// The client's side of a binlog dump, on a connection that is authenticated and has run `setupStatements`.
///
/// Idle → (started) → registering → (OK) → dumping → over.
///
/// Sources: https://mariadb.com/kb/en/com_register_slave/ https://mariadb.com/kb/en/com_binlog_dump/
package struct BinlogDump: Sendable {
    /// What the driver has to do with a packet, or first of all.
    package enum Action: Equatable, Sendable {
        /// Write these bytes: whole packets.
        case send([UInt8])
        /// The event lies in this range of the payload; with `wantsAck` a commit waits for `ack` of its end position.
        case event(Range<Int>, wantsAck: Bool)
        /// The server refused or gave up: start anew, or don't, as the error says.
        case failed(ERRPacket)
        /// The server has no more and does not wait, or the dump failed before.
        case ended
        /// The packet makes no sense here: the connection can't be used any more.
        case disconnect
    }

    /// The longest payload of a dump: the largest event and what stands before it. Give it to the connection's `PacketReader`.
    package static let payloadBytesMax = (1 << 30) + 3
    private static let semiSyncMark: UInt8 = 0xef
    private static let annotations: UInt16 = 0x02

    private enum State { case idle, registering, dumping, over }

    private let serverID: UInt32
    private let hostname: String
    private let semiSync: Bool
    private var state = State.idle

    /// - Parameters:
    ///   - serverID: the reader's, no other replica's of the server: the server ends the other's dump.
    ///   - hostname: what SHOW SLAVE HOSTS lists, up to 255 bytes.
    ///   - semiSync: as it was given to `setupStatements`.
    package init(serverID: UInt32, hostname: String, semiSync: Bool) {
        self.serverID = serverID
        self.hostname = hostname
        self.semiSync = semiSync
    }

    /// The statements that prepare a connection for the dump, to be run in order.
    ///
    /// - Parameters:
    ///   - gtids: the last transaction of each domain that the reader has; the dump begins with the next.
    ///   - semiSync: commits on the server shall wait for `ack`, where the server is so configured.
    ///   - heartbeatNanoseconds: after so long a silence the server sends a heartbeat event; 0 for never.
    package static func setupStatements(after gtids: [GTID], semiSync: Bool, heartbeatNanoseconds: UInt64) -> [String] {
        let state = gtids.map(\.description).joined(separator: ",")
        return [
            "SET @master_heartbeat_period=\(heartbeatNanoseconds)",
            "SET @master_binlog_checksum=@@global.binlog_checksum",
            "SET @mariadb_slave_capability=4",
            "SET @slave_connect_state='\(state)'",
            "SET @slave_gtid_strict_mode=1",
            "SET @slave_gtid_ignore_duplicates=0",
        ] + (semiSync ? ["SET @rpl_semi_sync_slave=1"] : [])
    }

    /// The connection is ready: registers the reader as a replica.
    package mutating func started() -> Action {
        precondition(state == .idle, "started() is called once")
        state = .registering
        var payload: [UInt8] = [0x15]
        payload.append(littleEndian: serverID)
        payload.append(shortString: hostname.utf8)
        payload.append(shortString: "".utf8)
        payload.append(shortString: "".utf8)
        // Port, rank, and the master's number: the server only lists them.
        payload.append(littleEndian: UInt16(0))
        payload.append(littleEndian: UInt32(0))
        payload.append(littleEndian: UInt32(0))
        return .send(PacketWriter.framed(payload, sequence: 0))
    }

    /// A packet came.
    package mutating func received(_ payload: UnsafeRawBufferPointer) -> Action {
        switch state {
        case .idle: preconditionFailure("started() comes first")
        case .over: return .ended
        case .registering: return receivedReply(payload)
        case .dumping: return receivedEvent(payload)
        }
    }

    /// Says that everything up to `position` of `file` is safe: releases the commits that wait for it.
    package static func ack(file: some Sequence<UInt8>, position: UInt64) -> [UInt8] {
        var payload: [UInt8] = [semiSyncMark]
        payload.append(littleEndian: position)
        payload.append(contentsOf: file)
        return PacketWriter.framed(payload, sequence: 0)
    }

    private mutating func receivedReply(_ payload: UnsafeRawBufferPointer) -> Action {
        guard OKPacket(payload: payload) != nil else { return over(payload) }
        state = .dumping
        var request: [UInt8] = [0x12]
        request.append(littleEndian: UInt32(4))
        request.append(littleEndian: Self.annotations)
        request.append(littleEndian: serverID)
        return .send(PacketWriter.framed(request, sequence: 0))
    }

    private mutating func receivedEvent(_ payload: UnsafeRawBufferPointer) -> Action {
        guard payload.first == 0 else { return over(payload) }
        guard semiSync else { return .event(1..<payload.count, wantsAck: false) }
        guard payload.count >= 3, payload[1] == Self.semiSyncMark else { return over(payload) }
        return .event(3..<payload.count, wantsAck: payload[2] & 1 != 0)
    }

    private mutating func over(_ payload: UnsafeRawBufferPointer) -> Action {
        state = .over
        if let error = ERRPacket(payload: payload) { return .failed(error) }
        return EOFPacket.matches(payload) ? .ended : .disconnect
    }
}
