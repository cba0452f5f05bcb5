import ClusterModel
import MySQLProtocol
import Testing

@Suite struct ReplicaSessionTests {
    private static let salt = Array(1...20 as ClosedRange<UInt8>)

    private func makeSession(salt: [UInt8] = salt, verify: @escaping ReplicaSession.Verify = { _, _, _ in true }) -> ReplicaSession {
        ReplicaSession(serverVersion: "10.11.19-MariaDB-ddbnode", connectionID: 7, salt: salt, masterServerID: 1, verify: verify)
    }

    private func handshake(plugin: String = "mysql_native_password", auth: [UInt8] = []) -> [UInt8] {
        little(UInt32(0x8_8200)) + little(UInt32(1 << 24)) + [UInt8](repeating: 0, count: 24) + Array("follower\0".utf8)
            + [UInt8(auth.count)] + auth + Array("\(plugin)\0".utf8)
    }

    /// A session whose replica is let in.
    private func makeLoggedIn() throws -> ReplicaSession {
        var session = makeSession()
        _ = session.started()
        #expect(try replies(session.received(handshake(), 1)).map(\.payload) == [OKPacket().payload])
        return session
    }

    private func replies(_ actions: [ReplicaSession.Action]) throws -> [Capture.Line] {
        try actions.flatMap { action throws -> [Capture.Line] in
            guard case .send(let bytes) = action else { return [] }
            return try packets(bytes)
        }
    }

    private func error(_ actions: [ReplicaSession.Action]) throws -> ERRPacket? {
        try replies(actions).first?.payload.withUnsafeBytes { ERRPacket(payload: $0) }
    }

    /// The value of a one-row, one-column answer.
    private func value(_ actions: [ReplicaSession.Action]) throws -> String? {
        let row = try #require(try replies(actions).dropLast().last?.payload)
        return row == [0xfb] ? nil : String(decoding: row.dropFirst(), as: UTF8.self)
    }

    // MARK: A real replica

    @Test(arguments: [0, 1])
    func `a real replica gets the answers that its master gave, up to the dump`(semiSync: Int) throws {
        let exchanges = try Capture("replica-semi-sync-\(semiSync)").exchanges
        let greeting = exchanges[0].server[0].payload
        let version = try #require(greeting.firstIndex(of: 0)) + 1
        let salt = Array(greeting[(version + 4)...].prefix(8) + greeting[(version + 31)...].prefix(12))
        var session = makeSession(salt: salt) { user, given, response in
            user == Array("follower".utf8) && given == salt && response.count == 20
        }
        #expect(try replies(session.started())[0].payload.first == greeting.first)
        for exchange in exchanges[1...].dropLast() {
            let client = try #require(exchange.client)
            let ours = try replies(session.received(client.payload, client.sequence, now: clock(exchange)))
            #expect(try meaning(ours) == meaning(exchange.server), "\(String(decoding: client.payload, as: UTF8.self))")
        }
        let dump = try #require(exchanges.last?.client)
        let request = try #require(session.received(dump.payload, dump.sequence).dumpRequest)
        #expect(request.position == Position(GTID("0-1-2")) || request.position == Position(GTID("0-1-5")))
        #expect(request.connectState == request.position.description)
        #expect(request.heartbeatPeriodNanoseconds == 1_000_000_000 && request.strictMode && request.replicaServerID == 2)
        #expect(!request.isNonBlocking && request.wantsAnnotations)
        // The master there has semi-sync off, which the answer to its question says; the replica sets its variable all the same.
        #expect(request.semiSync == exchanges.contains { $0.client?.payload.contains("@rpl_semi_sync_slave") == true })
        #expect(request.nextSequence == exchanges.last?.server.first?.sequence)
    }

    /// The time that the master told in an exchange; 0 where it told none.
    private func clock(_ exchange: Capture.Exchange) throws -> Int64 {
        guard exchange.client?.payload.contains("UNIX_TIMESTAMP") == true else { return 0 }
        let row = try #require(exchange.server.dropLast().last?.payload)
        return try #require(Int64(String(decoding: row.dropFirst(), as: UTF8.self)))
    }

    /// Packets as what a client makes of them: of a column's definition its name alone, of an EOF that it is one.
    private func meaning(_ lines: [Capture.Line]) throws -> [[UInt8]] {
        try lines.enumerated().map { index, line in
            #expect(Int(line.sequence) == Int(lines[0].sequence) + index)
            if line.payload.starts(with: [3] + Array("def".utf8)) { return try columnName(line.payload) }
            return line.payload.first == 0xfe ? [0xfe] : line.payload
        }
    }

    private func columnName(_ definition: [UInt8]) throws -> [UInt8] {
        var rest = definition[...]
        for _ in 0..<4 { rest = rest.dropFirst(Int(try #require(rest.first)) + 1) }
        return Array(rest.dropFirst().prefix(Int(try #require(rest.first))))
    }

    // MARK: Authentication

    @Test func `a wrong password is refused in words, then the connection ends`() throws {
        var session = makeSession { _, _, response in response == [1, 2, 3] }
        _ = session.started()
        let actions = session.received(handshake(auth: [3, 2, 1]), 1)
        #expect(try error(actions)?.code == 1045 && replies(actions).first?.sequence == 2)
        #expect(actions.last == .disconnect(.accessDenied))
        #expect(session.received([3], 0).isEmpty)
    }

    @Test func `a client of another plugin is asked to answer as mysql_native_password`() throws {
        var session = makeSession { user, salt, response in user == Array("follower".utf8) && salt == Self.salt && response == [9, 9] }
        _ = session.started()
        let asked = try replies(session.received(handshake(plugin: "client_ed25519", auth: [1]), 1))
        #expect(asked == [Capture.Line(fromClient: false, sequence: 2, payload: [0xfe] + Array("mysql_native_password\0".utf8) + Self.salt + [0])])
        let answer = try replies(session.received([9, 9], 3))
        #expect(answer == [Capture.Line(fromClient: false, sequence: 4, payload: OKPacket().payload)])
    }

    @Test func `a packet out of its turn ends the connection`() throws {
        var session = makeSession()
        _ = session.started()
        #expect(session.received(handshake(), 0) == [.disconnect(.outOfSequence)])
        var loggedIn = try makeLoggedIn()
        #expect(loggedIn.received([0x0e], 1) == [.disconnect(.outOfSequence)])
    }

    @Test func `a handshake cut at any byte ends the connection`() {
        let whole = handshake(auth: [UInt8](repeating: 5, count: 20))
        for count in 0..<whole.count {
            var session = makeSession()
            _ = session.started()
            #expect(session.received(Array(whole[..<count]), 1) == [.disconnect(.malformedPacket)])
        }
    }

    // MARK: Commands

    @Test func `ping is answered, quit is not, other commands are unknown`() throws {
        var session = try makeLoggedIn()
        #expect(try replies(session.received([0x0e], 0)).map(\.payload) == [OKPacket().payload])
        #expect(try error(session.received([0x11, 1, 2], 0))?.code == 1047)
        #expect(session.received([0x01], 0) == [.disconnect(.quit)])
    }

    @Test func `user variables are kept, unknown system variables are told so`() throws {
        var session = try makeLoggedIn()
        #expect(try value(session.query("SELECT @nothing")) == nil)
        #expect(try error(session.query("set @A = 'it''s \\' a', @b:=-1.5 ,@c=@@global.server_id, @d = @A, @e=NULL;")) == nil)
        #expect(try value(session.query("SELECT @a")) == "it's ' a")
        #expect(try value(session.query("SELECT @d")) == "it's ' a")
        #expect(try value(session.query("SELECT @b")) == "-1.5")
        #expect(try value(session.query("SELECT @C")) == "1")
        #expect(try value(session.query("SELECT @e")) == nil)
        #expect(try value(session.query("select @@version")) == "10.11.19-MariaDB-ddbnode")
        #expect(try error(session.query("SELECT @@GLOBAL.wsrep_on"))?.code == 1193)
        #expect(try error(session.query("SET @x=@@global.wsrep_on"))?.code == 1193)
        #expect(try replies(session.query("SHOW VARIABLES LIKE 'wsrep_on'")).count == 5)
        #expect(try error(session.query("SET NAMES utf8mb4")) == nil)
    }

    private static let strange = [
        "DROP DATABASE ddbnode", "SELECT * FROM t", "SELECT @a, @b", "SELECT", "",
        "SET", "SET @", "SET @a", "SET @a=", "SET @a='x", "SET @a='x\\", "SET @a=1,", "SET a=1",
    ]

    @Test(arguments: strange)
    func `what is no replica's question is refused`(text: String) throws {
        var session = try makeLoggedIn()
        #expect(try error(session.query(text))?.code == 1064)
    }

    @Test func `user variables are bounded in number and size`() throws {
        var session = try makeLoggedIn()
        #expect(try error(session.query("SET @big='\(String(repeating: "x", count: 16 << 10 + 1))'"))?.code == 1041)
        for number in 0..<64 { #expect(try error(session.query("SET @v\(number)=1")) == nil) }
        #expect(try error(session.query("SET @v64=1"))?.code == 1041)
        #expect(try error(session.query("SET @v1=2")) == nil)
    }

    // MARK: Dumps

    private let dump: [UInt8] = [0x12] + little(UInt32(4)) + little(UInt16(2)) + little(UInt32(2))
    private let settings = ["@mariadb_slave_capability=4", "@master_binlog_checksum=@@global.binlog_checksum", "@slave_connect_state=''"]

    @Test(arguments: [0, 1, 2])
    func `a dump without one of the settings it needs is refused for good`(missing: Int) throws {
        var session = try makeLoggedIn()
        for (index, setting) in settings.enumerated() where index != missing { _ = session.query("SET \(setting)") }
        let actions = session.received(dump, 0)
        let error = try #require(try error(actions))
        #expect(error.code == 1236 && actions.last == .disconnect(.refused(error)))
    }

    @Test(arguments: ["@slave_connect_state='0-1'", "@slave_connect_state='golden.000001'", "@slave_until_gtid='0-1-9'", "@slave_connect_state=NULL"])
    func `a dump that can't be served is refused for good`(setting: String) throws {
        var session = try makeLoggedIn()
        for setting in settings + [setting] { _ = session.query("SET \(setting)") }
        #expect(try error(session.received(dump, 0))?.code == 1236)
    }

    @Test func `while dumping a replica may acknowledge or leave`() throws {
        var session = try makeLoggedIn()
        for setting in settings + ["@slave_connect_state='1-7-9,0-1-3'"] { _ = session.query("SET \(setting)") }
        let request = try #require(session.received(dump, 0).dumpRequest)
        #expect(request.position == Position(GTID("0-1-3")) && request.connectState == "1-7-9,0-1-3")
        #expect(!request.strictMode && !request.semiSync && request.heartbeatPeriodNanoseconds == 0)
        #expect(session.received([0xef, 1, 2], 9).isEmpty)
        #expect(session.received([0x01], 0) == [.disconnect(.quit)])
    }

    @Test func `a command cut short ends the connection`() throws {
        let register = [0x15] + little(UInt32(2)) + [1, 65, 0, 0] + little(UInt16(3306)) + little(UInt64(0))
        for whole in [register, dump] {
            for count in 0..<whole.count {
                var session = try makeLoggedIn()
                #expect(session.received(Array(whole[..<count]), 0) == [.disconnect(.malformedPacket)])
            }
        }
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `random bytes never trap`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let known = try Capture("replica-semi-sync-1").lines.filter(\.fromClient)
        var session = makeSession()
        _ = session.started()
        for line in known {
            var payload = line.payload
            for _ in 0..<Int.random(in: 0...2, using: &random) where !payload.isEmpty {
                payload[Int.random(in: 0..<payload.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            payload.removeLast(Bool.random(using: &random) ? 0 : Int.random(in: 0...min(3, payload.count), using: &random))
            _ = session.received(payload, line.sequence)
        }
    }
}

extension ReplicaSession {
    fileprivate mutating func received(_ payload: [UInt8], _ sequence: UInt8, now: Int64 = 0) -> [Action] {
        var session = self
        defer { self = session }
        return payload.withUnsafeBytes { session.received(payload: $0, sequence: sequence, now: now) }
    }

    fileprivate mutating func query(_ text: String) -> [Action] { received([0x03] + Array(text.utf8), 0) }
}

extension [ReplicaSession.Action] {
    fileprivate var dumpRequest: DumpRequest? {
        guard case .startDump(let request) = first else { return nil }
        return request
    }
}

extension [UInt8] {
    fileprivate func contains(_ text: String) -> Bool { String(decoding: self, as: UTF8.self).contains(text) }
}
