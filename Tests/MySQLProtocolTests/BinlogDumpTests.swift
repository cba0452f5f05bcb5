import ClusterModel
import MySQLProtocol
import Testing

@Suite struct BinlogDumpTests {
    private func makeDump(semiSync: Bool) -> BinlogDump { BinlogDump(serverID: 77, hostname: "capture", semiSync: semiSync) }

    /// The lines of a capture that the server sent, after it accepted the registration; the client's are compared on the way.
    private func stream(_ dump: inout BinlogDump, _ name: String) throws -> ArraySlice<Capture.Line> {
        let lines = try Capture(name).lines
        #expect(dump.started() == .send(PacketWriter.framed(lines[0].payload, sequence: 0)))
        let request = dump.receivedBytes(lines[1].payload)
        // The captured reader may ask for a dump that does not wait, this one never does.
        var expected = lines[2].payload
        expected[5] = 2
        #expect(request == .send(PacketWriter.framed(expected, sequence: 0)))
        return lines[3...]
    }

    @Test(arguments: ["dump-plain", "dump-from-start"])
    func `a real dump comes out event by event, to its end`(name: String) throws {
        var dump = makeDump(semiSync: false)
        let lines = try stream(&dump, name)
        for line in lines.dropLast() {
            #expect(dump.receivedBytes(line.payload) == .event(1..<line.payload.count, wantsAck: false))
        }
        let end = try #require(lines.last)
        #expect(dump.receivedBytes(end.payload) == .ended)
        #expect(dump.receivedBytes(end.payload) == .ended)
    }

    @Test func `the event that a commit waits for asks for its acknowledgement`() throws {
        var dump = makeDump(semiSync: true)
        var acks = 0
        var wanted: [UInt8] = []
        for line in try stream(&dump, "dump-semi-sync") {
            if line.fromClient {
                #expect(wanted == PacketWriter.framed(line.payload, sequence: line.sequence))
                acks += 1
                continue
            }
            guard case .event(let range, let wantsAck) = dump.receivedBytes(line.payload) else { throw Unexpected() }
            #expect(range == 3..<line.payload.count)
            let event = Array(line.payload[range])
            #expect(event[9..<13].elementsEqual(little(UInt32(event.count))))
            let position = event[13..<17].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if wantsAck { wanted = BinlogDump.ack(file: "golden.000001".utf8, position: position) }
        }
        #expect(acks == 1)
    }

    @Test func `with semi-sync the two bytes before an event must be there`() throws {
        var dump = makeDump(semiSync: true)
        for line in try stream(&dump, "dump-semi-sync-off").dropLast() {
            #expect(dump.receivedBytes(line.payload) == .event(3..<line.payload.count, wantsAck: false))
        }
        #expect(dump.receivedBytes([0, 1, 2, 3]) == .disconnect)
    }

    @Test func `a position that the server does not have ends in its words`() throws {
        var dump = makeDump(semiSync: false)
        let line = try #require(try stream(&dump, "dump-ahead").first)
        guard case .failed(let error) = dump.receivedBytes(line.payload) else { throw Unexpected() }
        #expect(error.code == 1236 && error.state == "HY000" && error.message.contains("GTID 0-1-999"))
        #expect(dump.receivedBytes(line.payload) == .ended)
    }

    @Test func `a refused registration is told`() {
        var dump = makeDump(semiSync: false)
        _ = dump.started()
        let error = ERRPacket(code: 1227, state: "42000", message: "Access denied")
        #expect(dump.receivedBytes(error.payload) == .failed(error))
        var other = makeDump(semiSync: false)
        _ = other.started()
        #expect(other.receivedBytes([]) == .disconnect)
    }

    @Test func `the statements say where to start`() {
        let gtids = [GTID(domain: 0, server: 1, sequence: 7), GTID(domain: 3, server: 9, sequence: 1)]
        let statements = BinlogDump.setupStatements(after: gtids, semiSync: true, heartbeatNanoseconds: 500)
        #expect(statements.contains("SET @slave_connect_state='0-1-7,3-9-1'") && statements.contains("SET @master_heartbeat_period=500"))
        #expect(statements.last == "SET @rpl_semi_sync_slave=1")
        #expect(!BinlogDump.setupStatements(after: [], semiSync: false, heartbeatNanoseconds: 0).contains("SET @rpl_semi_sync_slave=1"))
    }

    private struct Unexpected: Error {}
}

extension BinlogDump {
    fileprivate mutating func receivedBytes(_ payload: [UInt8]) -> Action {
        var dump = self
        defer { self = dump }
        return payload.withUnsafeBytes { dump.received($0) }
    }
}
