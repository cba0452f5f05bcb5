import ClusterModel
import EventLoop
import MariaDBConnector
import Verification

/// Who takes part in a verification: this node, or another one over a link.
@LoopActor protocol VerifyParticipant: AnyObject {
    /// One request at a time.
    func ask(_ request: VerifyRequest) async throws(VerifyProblem) -> VerifyReply
    /// Ends its part: the snapshot goes, a slave applies again. What is under way fails.
    func close()
}

/// One node's part in a verification: definitions and rows of its own database, read over a connection of its own.
@LoopActor final class VerifyWorker: VerifyParticipant {
    /// A slave's hold goes by itself when the position for it does not come in this time, in milliseconds.
    private static let holdMs = 10_000
    /// How long a slave may take to get to the snapshot's position.
    private static let catchUpMs = 60_000
    private static let shapeWaitMs = 10_000
    /// In a longer binlog file it takes too long to find a position.
    private static let binlogBytesMax = 64 << 20
    private static let definitionBytesMax = 200_000
    private static let savepoint = "SAVEPOINT verify"
    /// Lets go of the table, so that nobody's ALTER waits for the end of the snapshot.
    private static let releaseTable = "ROLLBACK TO SAVEPOINT verify"

    private let node: Node
    private var connection: MariaDBConnection?
    private var lastTable: (name: TableName, shape: TableShape)?
    private var hasSnapshot = false
    private var isClosed = false
    /// Fails what is under way.
    private var giveUp: (@LoopActor () -> Void)?
    private var wait: AppliedPosition.WaitID?

    init(_ node: Node) { self.node = node }

    func ask(_ request: VerifyRequest) async throws(VerifyProblem) -> VerifyReply {
        switch request {
        case .nodes: return VerifyReply(rows: node.nodes().filter { $0.role != .witness }.map { ["\($0.id)", $0.address] })
        case .prepare: return try await prepare()
        case .names(let database, let table, let after):
            return VerifyReply(rows: try await query([DefinitionSQL.names(database: database, table: table, after: after)])[0].rows)
        case .shape(let name, let sequence): return try await shape(name, atLeast: sequence)
        case .hold:
            guard let hold = node.applyHold else { throw .failed("it is no slave") }
            return VerifyReply(rows: [[String(hold.begin(milliseconds: Self.holdMs))]])
        case .snapshot(let sequence): return try await snapshot(atLeast: sequence)
        case .snapshotAt(let sequence): return try await snapshot(at: sequence)
        case .endSnapshot:
            try await endSnapshot()
            return .done
        case .cut(let name, let range, let row): return try await read(name) { $0.cut(range, row: row) }
        case .sum(let name, let range): return try await read(name) { $0.sum(range) }
        case .list(let name, let range, let rows): return try await read(name) { $0.list(range, rowsMax: rows) }
        }
    }

    func close() {
        isClosed = true
        node.applyHold?.end()
        node.applied.cancel(wait)
        // What it is reading nobody waits for any more.
        if let connection, connection.inFlight > 0 { node.control.query("KILL CONNECTION \(connection.connectionID)") { _ in } }
        connection?.close()
        connection = nil
        giveUp?()
        giveUp = nil
    }

    // MARK: The database

    private func connected() async throws(VerifyProblem) -> MariaDBConnection {
        guard !isClosed else { throw .lost("its part was ended") }
        if let connection {
            guard connection.isOpen else { throw .lost("its database closed the connection") }
            return connection
        }
        guard var target = node.administratorTarget else { throw .lost("its database is down") }
        // Without its binlog the session lets go of a table before the snapshot ends.
        target.setup += ChecksumSQL.setup + ["SET SESSION sql_log_bin=0"]
        let answer = Answer<MariaDBConnection>()
        MariaDBConnection.open(node.loop, target) { answer.give($0.mapError { .lost("its database: \($0)") }) }
        let connection = try await answer.value()
        guard !isClosed else {
            connection.close()
            throw .lost("its part was ended")
        }
        self.connection = connection
        return connection
    }

    /// Sends all of them at once; the first failure counts, once all are answered.
    private func query(_ statements: [String]) async throws(VerifyProblem) -> [SmallResult] {
        let connection = try await connected()
        let answer = Answer<[SmallResult]>()
        giveUp = { answer.give(.failure(.lost("its part was ended"))) }
        var found: [SmallResult] = []
        var failure: DatabaseError?
        for (index, sql) in statements.enumerated() {
            connection.query(sql) { result in
                switch result {
                case .success(let result): found.append(result)
                case .failure(let error): failure = failure ?? error
                }
                guard index == statements.count - 1 else { return }
                answer.give(failure.map { .failure(Self.problem($0)) } ?? .success(found))
            }
        }
        return try await answer.value()
    }

    private static func problem(_ error: DatabaseError) -> VerifyProblem {
        if error.lostConnection { return .lost("its database: \(error)") }
        switch error.number {
        // Redefined since the snapshot; gone; a column gone; locked for a change; its tablespace or its view's tables gone.
        case 1412, 1146, 1051, 1049, 1054, 1205, 1213, 1932, 1356, 1814: return .redefined(error.text)
        case 1969: return .failed("a read took longer than \(ChecksumSQL.statementSeconds) s, a whole table \(ChecksumSQL.wholeTableSeconds) s")
        default: return .failed("\(error)")
        }
    }

    // MARK: Snapshots

    private func prepare() async throws(VerifyProblem) -> VerifyReply {
        let status = try await query(["SHOW MASTER STATUS"])[0]
        if Int(status["Position"] ?? "") ?? 0 > Self.binlogBytesMax { _ = try await query(["FLUSH LOCAL BINARY LOGS"]) }
        return .done
    }

    private func reached(_ sequence: UInt64, milliseconds: Int) async throws(VerifyProblem) {
        let answer = Answer<Bool>()
        giveUp = { answer.give(.failure(.lost("its part was ended"))) }
        let position = Position(GTID(domain: 0, server: 0, sequence: sequence))
        wait = node.applied.wait(for: position, milliseconds: milliseconds) { answer.give(.success($0)) }
        guard try await answer.value() else {
            throw .behind("it had applied \(node.applied.value) after \(milliseconds) ms, not yet transaction \(sequence)")
        }
    }

    private static let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT"

    private func snapshot(atLeast sequence: UInt64) async throws(VerifyProblem) -> VerifyReply {
        try await endSnapshot()
        if sequence > 0 { try await reached(sequence, milliseconds: Self.holdMs) }
        for _ in 0..<20 {
            let status = try await query([Self.begin, "SHOW STATUS LIKE 'binlog_snapshot_%'"])[1]
            hasSnapshot = true
            let values = Dictionary(status.rows.map { (($0[0] ?? "").lowercased(), $0[1] ?? "") }) { first, _ in first }
            guard let file = values["binlog_snapshot_file"], let offset = values["binlog_snapshot_position"].flatMap({ UInt64($0) }), !file.isEmpty
            else {
                throw .failed("its database writes no binlog")
            }
            let found = try await query(["SELECT BINLOG_GTID_POS('\(file)', \(offset))", Self.savepoint])[0]
            guard let position = found.first.flatMap({ Position(list: $0) }) else {
                throw .failed("the snapshot's position was not found in its binlog")
            }
            if position.sequence >= sequence { return VerifyReply(rows: [[position.description]]) }
            // A slave may be told of a commit a moment before it shows here.
            try await endSnapshot()
        }
        throw .behind("its commits did not get to transaction \(sequence)")
    }

    private func snapshot(at sequence: UInt64) async throws(VerifyProblem) -> VerifyReply {
        try await endSnapshot()
        guard let hold = node.applyHold else { throw .failed("it is no slave") }
        defer {
            node.log.debug("held for a snapshot", ["ms": "\(hold.heldMs)", "at": "\(sequence)"])
            hold.end()
        }
        guard hold.move(to: sequence, milliseconds: Self.catchUpMs) else { throw .passed }
        if sequence > 0 { try await reached(sequence, milliseconds: Self.catchUpMs) }
        let found = try await query([Self.begin, "SELECT @@GLOBAL.gtid_slave_pos", Self.savepoint])[1]
        hasSnapshot = true
        guard hold.isHolding, Position(list: found.first ?? "")?.sequence == sequence else { throw .passed }
        return .done
    }

    private func endSnapshot() async throws(VerifyProblem) {
        guard hasSnapshot else { return }
        hasSnapshot = false
        _ = try await query(["COMMIT"])
    }

    // MARK: Tables

    private func read(_ name: TableName, _ sql: (ChecksumSQL) -> String?) async throws(VerifyProblem) -> VerifyReply {
        guard hasSnapshot, let lastTable, lastTable.name == name, let statement = sql(ChecksumSQL(name, lastTable.shape)) else {
            throw .failed("it was asked for what it can't read")
        }
        return VerifyReply(rows: try await query([statement, Self.releaseTable])[0].rows)
    }

    private func shape(_ name: TableName, atLeast sequence: UInt64) async throws(VerifyProblem) -> VerifyReply {
        if sequence > node.applied.value.sequence { try await reached(sequence, milliseconds: Self.shapeWaitMs) }
        let shape: TableShape?
        do throws(VerifyProblem) {
            shape = name.table == nil ? try await database(name) : try await table(name)
        } catch .redefined {
            // What is gone while it is asked about: there is no such table.
            shape = nil
        }
        lastTable = shape.map { (name, $0) }
        let position = try await query(["SELECT @@GLOBAL.gtid_binlog_pos"])[0]
        return VerifyReply(shape, sequence: Position(list: position.first ?? "")?.sequence ?? 0)
    }

    private func database(_ name: TableName) async throws(VerifyProblem) -> TableShape? {
        TableShape(kind: .database, definition: try await query([DefinitionSQL.definition(name, .database)])[0].rows.first?.last.flatMap { $0 } ?? "")
    }

    private func table(_ name: TableName) async throws(VerifyProblem) -> TableShape? {
        let statements = [
            DefinitionSQL.kind(name), DefinitionSQL.columns(name), DefinitionSQL.uniqueKeys(name), DefinitionSQL.definition(name, .table),
        ]
        let found = try await query(statements + (hasSnapshot ? [Self.releaseTable] : []))
        guard let head = found[0].rows.first, let kind = head[0].flatMap(TableShape.Kind.init(rawValue:)) else { return nil }
        var definition = Self.field(found[3], 1)
        if kind == .sequence { definition = Self.field(try await query([DefinitionSQL.definition(name, kind)])[0], 1) }
        guard definition.utf8.count <= Self.definitionBytesMax else {
            throw .failed("its definition is longer than \(Self.definitionBytesMax) bytes")
        }
        let columns = found[1].rows.map { row in
            ColumnShape(name: row[0] ?? "", type: (row[1] ?? "").lowercased(), characterSet: row[2], collation: row[3])
        }
        let (index, key) = Self.key(found[2].rows, columns)
        return TableShape(
            kind: kind, definition: DefinitionSQL.withoutCounter(definition), engine: head[1] ?? "", isTransactional: head[2] == "YES",
            columns: columns,
            index: index, key: key)
    }

    private static func field(_ result: SmallResult, _ index: Int) -> String {
        result.rows.first.flatMap { index < $0.count ? $0[index] : nil } ?? ""
    }

    /// The first unique index whose columns order rows.
    private static func key(_ rows: [[String?]], _ columns: [ColumnShape]) -> (String, [ColumnShape]) {
        let byName = Dictionary(columns.map { ($0.name, $0) }) { first, _ in first }
        var indexes: [(name: String, columns: [ColumnShape?])] = []
        for row in rows {
            let name = row[0] ?? ""
            if indexes.last?.name != name { indexes.append((name, [])) }
            let column = row[2] == "1" ? row[1].flatMap { byName[$0] } : nil
            indexes[indexes.count - 1].columns.append(column.flatMap { $0.orders ? $0 : nil })
        }
        for index in indexes where index.columns.allSatisfy({ $0 != nil }) { return (index.name, index.columns.compactMap { $0 }) }
        return ("", [])
    }
}
