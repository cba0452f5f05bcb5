/// The statements by which a node tells what tables it has and how they are defined.
package enum DefinitionSQL {
    /// Names of a page.
    package static let pageRows = 500

    /// A list in SQL of the server's own databases, which differ between nodes by design.
    package static let systems = "('mysql','information_schema','performance_schema','sys')"

    /// Rows of `database`, `table`, in binary order, the table NULL for a database itself; those behind `after`.
    package static func names(database: String?, table: String?, after: TableName?) -> String {
        var filter = "WHERE d NOT IN \(systems)"
        if let database { filter += " AND BINARY d=BINARY \(TableName.text(database))" }
        if let table { filter += " AND BINARY t=BINARY \(TableName.text(table))" }
        if let after {
            let (database, table) = (TableName.text(after.database), TableName.text(after.table ?? ""))
            filter += " AND (BINARY d>BINARY \(database) OR (BINARY d=BINARY \(database) AND BINARY COALESCE(t,'')>BINARY \(table)))"
        }
        return """
            SELECT d, t FROM (SELECT schema_name AS d, NULL AS t FROM information_schema.schemata UNION ALL \
            SELECT table_schema, table_name FROM information_schema.tables WHERE table_type NOT IN ('SYSTEM VIEW','TEMPORARY')) AS n \
            \(filter) ORDER BY BINARY d, BINARY COALESCE(t,'') LIMIT \(pageRows)
            """
    }

    /// Type, engine, and whether that has transactions.
    package static func kind(_ name: TableName) -> String {
        """
        SELECT table_type, COALESCE(engine,''), (SELECT transactions FROM information_schema.engines AS e WHERE e.engine=t.engine) \
        FROM information_schema.tables AS t WHERE \(condition(name))
        """
    }

    /// Name, type, character set, collation of each column.
    package static func columns(_ name: TableName) -> String {
        """
        SELECT column_name, data_type, character_set_name, collation_name FROM information_schema.columns WHERE \(condition(name)) \
        ORDER BY ordinal_position
        """
    }

    /// Index, column, whether it is whole and without NULLs; the primary key first.
    package static func uniqueKeys(_ name: TableName) -> String {
        """
        SELECT index_name, column_name, IF(sub_part IS NULL AND nullable<>'YES' AND index_type='BTREE',1,0) FROM information_schema.statistics \
        WHERE \(condition(name)) AND non_unique=0 ORDER BY index_name<>'PRIMARY', index_name, seq_in_index
        """
    }

    package static func definition(_ name: TableName, _ kind: TableShape.Kind) -> String {
        switch kind {
        case .database: "SHOW CREATE DATABASE \(name.sql)"
        case .sequence: "SHOW CREATE SEQUENCE \(name.sql)"
        case .table, .versioned, .view: "SHOW CREATE TABLE \(name.sql)"
        }
    }

    /// Without the next AUTO_INCREMENT, which is not replicated where a rollback left a gap.
    package static func withoutCounter(_ definition: String) -> String {
        definition.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.hasPrefix(")") else { return String(line) }
            return line.split(separator: " ", omittingEmptySubsequences: false).filter { !$0.hasPrefix("AUTO_INCREMENT=") }.joined(separator: " ")
        }.joined(separator: "\n")
    }

    private static func condition(_ name: TableName) -> String {
        "table_schema=\(TableName.text(name.database)) AND table_name=\(TableName.text(name.table ?? ""))"
    }
}
