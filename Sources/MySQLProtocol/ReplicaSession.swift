/// The server's side of a connection with a MariaDB replica, up to the point where the binlog flows.
///
/// Greeted → (handshake response) → [asked for another plugin → (its answer)] → taking commands → (COM_BINLOG_DUMP) → dumping → closed.
/// From `startDump` on the driver writes the stream itself, and goes on handing in what the replica sends.
///
/// Made for the I/O thread of MariaDB 10.6 and later with GTIDs; a replica's connection must not ask for TLS
/// (`master_ssl=0`, and from 11.4 on `master_ssl_verify_server_cert=0`).
///
/// Source: https://mariadb.com/kb/en/5-slave-registration/
package struct ReplicaSession: Sendable {
    /// What the driver has to do, in order.
    package enum Action: Equatable, Sendable {
        /// Write these bytes: whole packets.
        case send([UInt8])
        /// Send events from here on, each as `PacketWriter.event` frames it.
        case startDump(DumpRequest)
        /// Write what is left to write, then close.
        case disconnect(Problem)
    }

    /// Why a connection ends.
    package enum Problem: Equatable, Sendable, CustomStringConvertible {
        /// The replica said good-bye.
        case quit
        case accessDenied
        /// The replica can't be served; it was told why.
        case refused(ERRPacket)
        /// A packet that can't be read in this state.
        case malformedPacket
        /// A packet with another sequence number than its turn.
        case outOfSequence

        package var description: String {
            switch self {
            case .quit: "the replica said good-bye"
            case .accessDenied: "access denied"
            case .refused(let error): "refused: \(error)"
            case .malformedPacket: "a packet that can't be read"
            case .outOfSequence: "a packet out of sequence"
            }
        }
    }

    /// Proves that `response` was made from the user's password and `salt`, as mysql_native_password does.
    package typealias Verify = @Sendable (_ user: [UInt8], _ salt: [UInt8], _ response: [UInt8]) -> Bool

    /// The longest packet that is read, in bytes: give it to the connection's `PacketReader`.
    package static let payloadBytesMax = 64 << 10
    private static let variablesMax = 64
    private static let variableBytesMax = 16 << 10

    private enum State {
        case idle
        case greeted
        case askedForPlugin(user: [UInt8])
        case takingCommands
        case dumping
        case closed
    }

    private enum Command {
        static let quit: UInt8 = 0x01
        static let query: UInt8 = 0x03
        static let ping: UInt8 = 0x0e
        static let binlogDump: UInt8 = 0x12
        static let registerSlave: UInt8 = 0x15
        static let semiSyncAck: UInt8 = 0xef
    }

    private let greeting: Greeting
    private let verify: Verify
    private let systemVariables: [String: String]
    private var userVariables: [String: String?] = [:]
    private var state = State.idle

    /// - Parameters:
    ///   - serverVersion: like `10.11.19-MariaDB-ddbnode`; a replica chooses its questions by it.
    ///   - salt: 20 random bytes, none of them zero.
    ///   - masterServerID: what the replica is told `server_id` is; it must not be its own.
    package init(serverVersion: String, connectionID: UInt32, salt: [UInt8], masterServerID: UInt32, verify: @escaping Verify) {
        precondition(salt.count == Greeting.saltBytes && !salt.contains(0), "a salt is \(Greeting.saltBytes) bytes, none of them zero")
        greeting = Greeting(serverVersion: serverVersion, connectionID: connectionID, salt: salt)
        self.verify = verify
        systemVariables = [
            "server_id": String(masterServerID),
            "version": serverVersion,
            "binlog_checksum": "CRC32",
            "gtid_domain_id": "0",
            "rpl_semi_sync_master_enabled": "OFF",
        ]
    }

    /// The replica has shown that it knows the password.
    package var isAuthenticated: Bool {
        switch state {
        case .idle, .greeted, .askedForPlugin, .closed: false
        case .takingCommands, .dumping: true
        }
    }

    /// The replica connected.
    package mutating func started() -> [Action] {
        guard case .idle = state else { preconditionFailure("started() is called once") }
        state = .greeted
        return [.send(PacketWriter.framed(greeting.payload, sequence: 0))]
    }

    /// A packet came; `now` is in seconds since 1970.
    package mutating func received(payload: UnsafeRawBufferPointer, sequence: UInt8, now: Int64) -> [Action] {
        switch state {
        case .idle: preconditionFailure("started() comes first")
        case .closed: return []
        case .greeted: return inSequence(sequence, 1) { $0.receivedHandshake(payload) }
        case .askedForPlugin(let user): return inSequence(sequence, 3) { $0.authenticated(user: user, response: [UInt8](payload), sequence: 4) }
        case .takingCommands: return inSequence(sequence, 0) { $0.receivedCommand(payload, now: now) }
        case .dumping: return receivedWhileDumping(payload)
        }
    }

    private mutating func inSequence(_ sequence: UInt8, _ expected: UInt8, _ body: (inout Self) -> [Action]) -> [Action] {
        sequence == expected ? body(&self) : closed(.outOfSequence)
    }

    private mutating func closed(_ problem: Problem, after reply: [Action] = []) -> [Action] {
        state = .closed
        userVariables = [:]
        return reply + [.disconnect(problem)]
    }

    // MARK: Authentication

    private mutating func receivedHandshake(_ payload: UnsafeRawBufferPointer) -> [Action] {
        guard let response = try? HandshakeResponse(payload: payload) else { return closed(.malformedPacket) }
        guard response.plugin.map({ $0.elementsEqual(Greeting.plugin.utf8) }) ?? true else {
            state = .askedForPlugin(user: response.user)
            return [.send(PacketWriter.framed(greeting.authSwitchPayload, sequence: 2))]
        }
        return authenticated(user: response.user, response: response.auth, sequence: 2)
    }

    private mutating func authenticated(user: [UInt8], response: [UInt8], sequence: UInt8) -> [Action] {
        guard verify(user, greeting.salt, response) else {
            let name = String(decoding: user.prefix(80), as: UTF8.self)
            let error = ERRPacket(code: 1045, state: "28000", message: "Access denied for user '\(name)': the password is wrong")
            return closed(.accessDenied, after: [.send(PacketWriter.framed(error.payload, sequence: sequence))])
        }
        state = .takingCommands
        return [.send(PacketWriter.framed(OKPacket().payload, sequence: sequence))]
    }

    // MARK: Commands

    private static let ok = Action.send(PacketWriter.framed(OKPacket().payload, sequence: 1))

    private static func error(_ code: UInt16, _ state: String, _ message: String) -> Action {
        .send(PacketWriter.framed(ERRPacket(code: code, state: state, message: message).payload, sequence: 1))
    }

    private mutating func receivedCommand(_ payload: UnsafeRawBufferPointer, now: Int64) -> [Action] {
        guard let command = payload.first else { return closed(.malformedPacket) }
        let body = UnsafeRawBufferPointer(rebasing: payload[1...])
        switch command {
        case Command.quit: return closed(.quit)
        case Command.ping: return [Self.ok]
        case Command.query: return [answer(to: String(decoding: body, as: UTF8.self), now: now)]
        case Command.registerSlave: return registered(body)
        case Command.binlogDump: return dumpRequested(body)
        default: return [Self.error(1047, "08S01", "Unknown command \(command): this endpoint serves replicas only")]
        }
    }

    /// The fields say what SHOW SLAVE HOSTS would list; the server's number comes again with the dump's request.
    private mutating func registered(_ body: UnsafeRawBufferPointer) -> [Action] {
        var reader = PayloadReader(body)
        do {
            _ = try reader.integer(UInt32.self)
            for _ in ["host", "user", "password"] { _ = try reader.shortString() }
            // Port, rank, and the master's number.
            _ = try reader.bytes(2 + 4 + 4)
        } catch {
            return closed(.malformedPacket)
        }
        return [Self.ok]
    }

    private mutating func dumpRequested(_ body: UnsafeRawBufferPointer) -> [Action] {
        var reader = PayloadReader(body)
        guard (try? reader.bytes(4)) != nil, let flags = try? reader.integer(UInt16.self), let server = try? reader.integer(UInt32.self)
        else { return closed(.malformedPacket) }
        do {
            let request = try DumpRequest(flags: flags, replicaServerID: server, nextSequence: 1, variables: userVariables)
            state = .dumping
            return [.startDump(request)]
        } catch {
            return closed(.refused(error), after: [.send(PacketWriter.framed(error.payload, sequence: 1))])
        }
    }

    /// A semi-sync acknowledgement changes nothing here: what is shipped to this replica is committed already.
    private mutating func receivedWhileDumping(_ payload: UnsafeRawBufferPointer) -> [Action] {
        switch payload.first {
        case Command.semiSyncAck: []
        case Command.quit: closed(.quit)
        default: closed(.malformedPacket)
        }
    }

    // MARK: Queries

    private mutating func answer(to text: String, now: Int64) -> Action {
        switch ReplicaQuery(text) {
        case .unixTimestamp:
            return Self.row(["UNIX_TIMESTAMP()"], [String(now)])
        case .select(let expression, let column):
            do { return Self.row([column], [try value(of: expression)]) } catch { return Self.unknownVariable(error.name) }
        case .showVariable(let name):
            let rows = systemVariables[name].map { [[Array(name.utf8), Array($0.utf8)]] } ?? []
            return Self.rows(["Variable_name", "Value"], rows)
        case .set(let assignments):
            return assigned(assignments)
        case .setNames:
            return Self.ok
        case .unknown:
            return Self.error(1064, "42000", "This endpoint serves replicas only, not: \(text.prefix(120))")
        }
    }

    private mutating func assigned(_ assignments: [ReplicaQuery.Assignment]) -> Action {
        for assignment in assignments {
            do {
                let value = try value(of: assignment.value)
                let isNew = userVariables[assignment.name] == nil
                guard !isNew || userVariables.count < Self.variablesMax, (value?.utf8.count ?? 0) <= Self.variableBytesMax else {
                    return Self.error(1041, "HY000", "Too many or too large user variables: this endpoint serves replicas only")
                }
                userVariables[assignment.name] = .some(value)
            } catch {
                return Self.unknownVariable(error.name)
            }
        }
        return Self.ok
    }

    private struct UnknownVariable: Error { let name: String }

    private func value(of expression: ReplicaQuery.Expression) throws(UnknownVariable) -> String? {
        switch expression {
        case .literal(let text): return text
        case .userVariable(let name): return userVariables[name] ?? nil
        case .systemVariable(let name):
            guard let value = systemVariables[name] else { throw UnknownVariable(name: name) }
            return value
        }
    }

    private static func unknownVariable(_ name: String) -> Action { error(1193, "HY000", "Unknown system variable '\(name.prefix(80))'") }

    private static func row(_ columns: [String], _ values: [String?]) -> Action { rows(columns, [values.map { $0.map { Array($0.utf8) } }]) }

    private static func rows(_ columns: [String], _ rows: [[[UInt8]?]]) -> Action {
        var sequence: UInt8 = 1
        return .send(TextResultSet(columns: columns, rows: rows).framed(sequence: &sequence))
    }
}
