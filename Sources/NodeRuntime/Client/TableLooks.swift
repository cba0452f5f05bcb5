import ClusterModel
import EventLoop
import LineProtocol
import MariaDBConnector
import StatementGate

/// What a definition takes from the rows and keys that are there: asked for before it runs, on the connection that runs it.
extension LocalSession {
    /// Runs the statement once every table it depends on is as it must be, for the other nodes to come to the same.
    func lookThenExecute(_ connection: MariaDBConnection, _ statement: LocalStatement) {
        // Elsewhere the definition is not run by clients.
        let repetition = statement.what.repetition
        guard node.role == .master, repetition.engineAt != nil || !repetition.looks.isEmpty else { return execute(connection, statement) }
        var statement = statement
        let engine = SessionVariables.engines.compactMap { connection.variables[$0] }.first {
            node.defaults.values.differs("default_storage_engine", $0)
        }
        if let engine { statement.name(engine: engine) }
        look(repetition.looks[...], connection, statement)
    }

    private func look(_ looks: ArraySlice<TableLook>, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        guard let first = looks.first else { return execute(connection, statement) }
        isHarmlessToBreak = true
        let next: @LoopActor () -> Void = { [self] in look(looks.dropFirst(), connection, statement) }
        // A procedure may have made one, too.
        let mayBeTemporary = !hold.isDisjoint(with: [.temporaryTables, .assignedVariables])
        guard mayBeTemporary else {
            if first.question == .isPermanent { return next() }
            return ask(first, connection, statement, next)
        }
        connection.query(Array("SHOW CREATE TABLE ".utf8) + first.name) { [self] result in
            guard running === connection else { return }
            let isTemporary = (try? result.get())?.rows.first?.last.flatMap { $0 }?.hasPrefix("CREATE TEMPORARY ") ?? false
            if isTemporary, first.question == .isPermanent { return refuse(first, connection, statement) }
            // What only this session has, no other node defines again.
            if isTemporary || first.question == .isPermanent { return next() }
            ask(first, connection, statement, next)
        }
    }

    private func ask(
        _ look: TableLook, _ connection: MariaDBConnection, _ statement: LocalStatement, _ next: @escaping @LoopActor () -> Void
    ) {
        connection.query(look.shapeQuery) { [self] result in
            guard running === connection else { return }
            guard case .success(let shape) = result else { return refuse(look, connection, statement) }
            // A table that isn't there, the statement itself fails for.
            guard !shape.rows.isEmpty, shape["engine"] != nil else { return next() }
            switch look.isRight(shape) {
            case true?: next()
            case false?: refuse(look, connection, statement)
            case nil: askForRows(look, connection, statement)
            }
        }
    }

    /// Under a lock, so that the table's rows are still what they were when the definition runs; that is behind a commit, as the definition itself is.
    private func askForRows(_ look: TableLook, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        guard !connection.inTransaction, !hold.contains(.tableLocks), statement.what.repetition.looks.allSatisfy({ $0.name == look.name }) else {
            return refuse(look, connection, statement)
        }
        connection.query(Array("LOCK TABLES ".utf8) + look.name + Array(" WRITE".utf8)) { [self] locked in
            guard running === connection else { return }
            guard case .success = locked else { return refuse(look, connection, statement) }
            connection.query(Array("SELECT EXISTS (SELECT 1 FROM ".utf8) + look.name + Array(")".utf8)) { [self] result in
                guard running === connection else { return }
                if (try? result.get())?.first == "0" { return executeLocked(connection, statement) }
                guard look.question == .hasOrder else { return unlockAndRefuse(look, connection, statement) }
                orderRows(look, connection) { [self] isOrdered in
                    guard running === connection else { return }
                    if isOrdered { executeLocked(connection, statement) } else { unlockAndRefuse(look, connection, statement) }
                }
            }
        }
    }

    private func executeLocked(_ connection: MariaDBConnection, _ statement: LocalStatement) {
        execute(connection, statement)
        // Sent behind the statement, it runs whatever comes of that.
        connection.query("UNLOCK TABLES") { _ in }
    }

    private func unlockAndRefuse(_ look: TableLook, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        connection.query("UNLOCK TABLES") { _ in }
        refuse(look, connection, statement)
    }

    private func refuse(_ look: TableLook, _ connection: MariaDBConnection, _ statement: LocalStatement) {
        settle(connection)
        refuse(statement, ReplyError(.notRepeatable, "this would not do the same on every node: \(look.otherwise.words)"))
    }
}

extension TableLook {
    /// As it is written in SQL.
    var name: [UInt8] { (database.map { SQLText.quoted(name: $0) + [UInt8(ascii: ".")] } ?? []) + SQLText.quoted(name: table) }

    /// One row about the table; none, or one of NULLs, where there is no such table.
    fileprivate var shapeQuery: [UInt8] {
        let schema = database.map { SQLText.literal($0) } ?? "DATABASE()"
        let name = SQLText.literal(table)
        let place = "TABLE_SCHEMA=\(schema) AND TABLE_NAME=\(name)"
        let dropped = besides.isEmpty ? "" : " AND INDEX_NAME NOT IN (\(besides.map(SQLText.literal).joined(separator: ",")))"
        let droppedColumns =
            besides.isEmpty
            ? ""
            : """
             AND INDEX_NAME NOT IN (SELECT INDEX_NAME FROM information_schema.STATISTICS WHERE \(place) AND COLUMN_NAME IN \
            (\(besides.map(SQLText.literal).joined(separator: ","))))
            """
        let text = """
            SELECT (SELECT ENGINE FROM information_schema.TABLES WHERE \(place)) AS engine, \
            (SELECT TABLE_TYPE='SYSTEM VERSIONED' FROM information_schema.TABLES WHERE \(place)) AS versioned, \
            (SELECT COUNT(*) FROM information_schema.STATISTICS WHERE \(place) AND NON_UNIQUE=0\(dropped)\(droppedColumns)) AS uniques, \
            (SELECT COUNT(*) FROM information_schema.STATISTICS WHERE \(place) AND INDEX_TYPE='SPATIAL') AS spatial_keys, \
            EXISTS (SELECT 1 FROM information_schema.STATISTICS WHERE \(place) AND NON_UNIQUE=0 \
            GROUP BY INDEX_NAME HAVING SUM(NULLABLE='YES')=0) AS is_ordered, \
            (SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA=\(schema) AND TABLE_NAME=\(name) \
            AND (DELETE_RULE LIKE 'SET%' OR DELETE_RULE='CASCADE' OR UPDATE_RULE LIKE 'SET%' OR UPDATE_RULE='CASCADE')) AS cascades
            """
        return Array(text.utf8)
    }

    private var besides: [[UInt8]] {
        switch question {
        case .hasUniqueKey(let names), .hasUniqueKeyIfSpatial(let names): names
        case .isEmpty, .hasOrder, .isPermanent, .hasNoCascade, .isUnversioned: []
        }
    }

    /// Nil where it depends on whether there are rows.
    fileprivate func isRight(_ shape: SmallResult) -> Bool? {
        let isInnoDB = shape["engine"] == "InnoDB"
        switch question {
        case .isEmpty: return nil
        case .hasOrder: return isInnoDB && shape["is_ordered"] == "1" ? true : nil
        case .hasUniqueKey: return !isInnoDB || shape["uniques"] != "0"
        case .hasUniqueKeyIfSpatial: return shape["spatial_keys"] == "0" || shape["uniques"] != "0"
        case .isPermanent: return true
        case .hasNoCascade: return shape["cascades"] == "0"
        case .isUnversioned: return shape["versioned"] != "1"
        }
    }
}
