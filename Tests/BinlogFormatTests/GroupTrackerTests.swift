import BinlogFormat
import ClusterModel
import Testing

@Suite struct GroupTrackerTests {
    private let one = GTID(domain: 0, server: 1, sequence: 1)

    private func steps(_ events: [[UInt8]]) throws(BinlogError) -> [EventStep] {
        var tracker = GroupTracker()
        var steps: [EventStep] = []
        for event in events { steps.append(try tracker.receivedBytes(event)) }
        return steps
    }

    @Test(arguments: Golden.binlogs)
    func `every transaction of a real binlog ends where mariadb-binlog says`(name: String) throws {
        var tracker = GroupTracker()
        var found: [Golden.Group] = []
        for (event, end) in events(of: try Golden.binlog(name)) {
            if case .groupEnded(let gtid) = try tracker.receivedBytes(event) { found.append(Golden.Group(gtid: gtid, end: end)) }
        }
        #expect(found == (try Golden.groups(name)))
        #expect(tracker.openGroup == nil)
    }

    @Test func `a transaction ends with its commit, not with a savepoint or a statement that speaks of one`() throws {
        let texts = ["ROLLBACK TO `a`", "SAVEPOINT `COMMIT`", "commit_all()", "INSERT INTO plain VALUES ('COMMIT')", ""]
        let group = [makeGTIDEvent(1, flags: 0)] + texts.map { makeQuery($0) }
        let continued = [EventStep](repeating: .groupContinued, count: texts.count)
        for end in [makeQuery("COMMIT"), makeQuery("ROLLBACK", database: ""), makeEvent(.xid, little(UInt64(7))), makeEvent(.xaPrepare)] {
            #expect(try steps(group + [end]) == [.groupBegan(one)] + continued + [.groupEnded(one)])
        }
    }

    @Test func `a database named like a commit does not end a transaction`() throws {
        #expect(try steps([makeGTIDEvent(1, flags: 0), makeQuery("", database: "COMMIT")]) == [.groupBegan(one), .groupContinued])
    }

    @Test func `a compressed statement never ends a transaction`() throws {
        let query = makeQuery("COMMIT", type: .queryCompressed)
        #expect(try steps([makeGTIDEvent(1, flags: 0), query]) == [.groupBegan(one), .groupContinued])
    }

    @Test func `a standalone group ends with its first event that is more than preparation`() throws {
        let preparing: [EventType] = [.intvar, .rand, .userVar, .tableMap, .annotateRows, .beginLoadQuery, .appendBlock]
        let group = [makeGTIDEvent(1, flags: GTIDEvent.standalone)] + preparing.map { makeEvent($0) }
        let continued = [EventStep](repeating: .groupContinued, count: preparing.count)
        for end in [makeQuery("CREATE TABLE t (id INT)"), makeEvent(.executeLoadQuery), makeQuery("x", type: .queryCompressed)] {
            #expect(try steps(group + [end]) == [.groupBegan(one)] + continued + [.groupEnded(one)])
        }
    }

    @Test(arguments: [EventType.writeRowsV1, .updateRowsV1, .deleteRowsV2, .writeRowsCompressedV1, .deleteRowsCompressedV2])
    func `a standalone group of rows ends with the statement's last rows`(type: EventType) throws {
        let table: [UInt8] = [1, 0, 0, 0, 0, 0]
        let group = [makeGTIDEvent(1, flags: GTIDEvent.standalone), makeEvent(type, table + [0, 0]), makeEvent(type, table + [1, 0])]
        #expect(try steps(group) == [.groupBegan(one), .groupContinued, .groupEnded(one)])
    }

    @Test func `what a dump makes up is no part of a transaction that is under way`() throws {
        let rotate = ArtificialEvent.rotate(file: "log.000001", position: 4, serverID: 1, checksum: crc32)
        let heartbeat = ArtificialEvent.heartbeat(file: "log.000001", position: 4, serverID: 1, checksum: crc32)
        let list = ArtificialEvent.gtidList([one], serverID: 1, checksum: crc32)
        #expect(
            try steps([makeGTIDEvent(1, flags: 0), rotate, heartbeat, list, makeEvent(.xid)])
                == [.groupBegan(one), .ignored(.rotate), .ignored(.heartbeat), .ignored(.gtidList), .groupEnded(one)])
    }

    @Test(arguments: [makeGTIDEvent(2, flags: 0), makeEvent(.rotate), makeEvent(.formatDescription), makeEvent(.stop), makeEvent(.gtidList)])
    func `a transaction that breaks off is an error, and forgotten`(next: [UInt8]) throws {
        var tracker = GroupTracker()
        _ = try tracker.receivedBytes(makeGTIDEvent(1, flags: 0))
        #expect(throws: BinlogError.groupInterrupted(one)) { try tracker.receivedBytes(next) }
        #expect(tracker.openGroup == nil)
        #expect(throws: Never.self) { try tracker.receivedBytes(next) }
    }

    @Test func `events outside of a transaction are refused unless they may be left out`() throws {
        #expect(throws: BinlogError.outsideGroup(.query)) { try steps([makeQuery("INSERT")]) }
        #expect(throws: BinlogError.outsideGroup(.xid)) { try steps([makeGTIDEvent(1, flags: 0), makeEvent(.xid), makeEvent(.xid)]) }
        let unknown = EventType(rawValue: 250)
        #expect(try steps([makeEvent(unknown, flags: EventHeader.ignorable)]) == [.ignored(unknown)])
    }

    @Test func `lost events are an error wherever they are reported`() throws {
        #expect(throws: BinlogError.incident) { try steps([makeEvent(.incident)]) }
        #expect(throws: BinlogError.incident) { try steps([makeGTIDEvent(1, flags: 0), makeEvent(.incident)]) }
    }

    @Test func `reset forgets the transaction under way`() throws {
        var tracker = GroupTracker()
        _ = try tracker.receivedBytes(makeGTIDEvent(1, flags: 0))
        #expect(tracker.openGroup == one)
        tracker.reset()
        #expect(tracker.openGroup == nil)
    }

    @Test func `an event cut anywhere, or with bytes to spare, is refused`() throws {
        for event in [makeGTIDEvent(1, flags: 0), makeQuery("COMMIT")] {
            for count in 0..<event.count { #expect(throws: BinlogError.truncated) { try steps([Array(event[..<count])]) } }
            #expect(throws: BinlogError.truncated) { try steps([event + [0]]) }
        }
    }

    @Test func `events whose fields don't fit their length are refused`() throws {
        #expect(throws: BinlogError.malformed(.gtid)) { try steps([makeEvent(.gtid, [1, 2, 3])]) }
        for count in 0..<17 {
            let query = makeEvent(.query, [UInt8](repeating: 0xff, count: count))
            #expect(throws: BinlogError.malformed(.query)) { try steps([makeGTIDEvent(1, flags: 0), query]) }
        }
        var tiny = Array(makeEvent(.xid)[..<20])
        tiny[9] = 20
        #expect(throws: BinlogError.malformed(.xid)) { try steps([tiny]) }
    }
}

extension GroupTracker {
    @discardableResult
    mutating func receivedBytes(_ event: some Collection<UInt8>) throws(BinlogError) -> EventStep {
        var tracker = self
        defer { self = tracker }
        return try Array(event).withUnsafeBytes { bytes in Result { () throws(BinlogError) in try tracker.received(bytes) } }.get()
    }
}
